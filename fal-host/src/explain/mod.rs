//! Why a runner is in its state, or how it ended, in sentences for people (S85d).
//!
//! An explanation is a pure function of what the host knows of a runner. The admin interface, the command line and the page
//! show the same text.

mod checks;
mod ended;
mod explanation;
mod live;
mod reasons;
mod requests;
#[cfg(test)]
mod tests;

use crate::details::{LiveOrEnded, RunnerDetails};
use crate::evidence::OutputLine;

/// How many of the last lines of output an explanation has.
const OUTPUT_LINES: usize = 5;

impl RunnerDetails {
    /// Why the runner is in its state, or how it ended: sentences with times and rules, one a line
    /// ([S85d](fal_health::semantics#s85d)).
    pub fn explanation(&self) -> String {
        let mut explanation = match &self.runner {
            LiveOrEnded::Live(live) => live::explain(live, &self.steps, &self.circumstances),
            LiveOrEnded::Ended(ended) => ended::explain(ended, &self.steps, &self.circumstances),
        };
        if let Some(lost) = &self.circumstances.lost_log_lines {
            explanation.rule("S117a", format!("{lost}. The log of the host has no word of that time."));
        }
        explanation.output = last_lines(&self.output);
        explanation.to_string()
    }
}

fn last_lines(output: &[OutputLine]) -> Vec<String> {
    let skipped = output.len().saturating_sub(OUTPUT_LINES);
    let printable =
        |text: &str| text.replace(|letter: char| letter.is_control() && letter != '\t', "\u{fffd}");
    output.iter().skip(skipped).map(|line| printable(&line.text)).collect()
}
