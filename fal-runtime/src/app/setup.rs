//! The argument of `setup`, which reports progress.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use fal_health::protocol::Progress;

/// The argument of `setup(cx: &Setup)`, by which a setup reports its progress.
///
/// ```
/// use fal_runtime::prelude::*;
///
/// struct Chat { weights: Vec<u8> }
///
/// #[app(startup_timeout = 300)]
/// impl Chat {
///     fn setup(cx: &Setup) -> Result<Self> {
///         let mut weights = Vec::new();
///         for shard in 0..4 {
///             cx.progress(f64::from(shard) / 4.0, format!("loading shard {shard}"));
///             weights.extend([0; 16]);
///         }
///         Ok(Self { weights })
///     }
///
///     #[endpoint("/")]
///     async fn size(&self) -> usize {
///         self.weights.len()
///     }
/// }
/// # fn main() {}
/// ```
///
/// Clones report for the same setup, for example from other threads and tasks.
#[derive(Clone)]
pub struct Setup(Arc<Reporter>);

struct Reporter {
    last: Mutex<Option<Progress>>,
    tell: Box<dyn Fn(&Progress) + Send + Sync>,
}

/// The smallest step of the fraction that is reported under the same message.
const MIN_STEP: f64 = 0.01;

/// The maximum length of a message in bytes. A longer one is truncated.
const MAX_MESSAGE_BYTES: usize = 1024;

impl Setup {
    /// A setup that reports to `tell`.
    pub(crate) fn new(tell: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Reporter { last: Mutex::default(), tell: Box::new(tell) }))
    }

    /// Reports the progress of the setup: a `fraction` from 0 to 1, which is clamped (NaN becomes 0), and what it
    /// is doing. A host shows it in `/runners` and in its log while the runner is in SETUP. Without a host it goes
    /// to the log.
    ///
    /// Call it as often as you like: a report with the same message is passed on only if the fraction has changed
    /// by at least 0.01. It does not block: while the host reads nothing, progress is dropped.
    pub fn progress(&self, fraction: f64, message: impl Into<String>) {
        let mut progress = Progress::new(fraction, message);
        progress.message.truncate(progress.message.floor_char_boundary(MAX_MESSAGE_BYTES));
        // The lock is held while reporting, so that reports arrive in order.
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_none_or(|last| is_news(&progress, last)) {
            (self.0.tell)(&progress);
            *last = Some(progress);
        }
    }
}

/// A setup that reports to the log.
impl Default for Setup {
    fn default() -> Self {
        Self::new(|progress| {
            tracing::info!(fraction = progress.fraction, "setup: {}", progress.message);
        })
    }
}

fn is_news(progress: &Progress, last: &Progress) -> bool {
    let is_end = progress.fraction >= 1.0 && last.fraction < 1.0;
    is_end || progress.message != last.message || (progress.fraction - last.fraction).abs() >= MIN_STEP
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("last", &self.0.last).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(reports: &[(f64, &str)]) -> Vec<(f64, String)> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let setup = Setup::new({
            let told = Arc::clone(&told);
            move |progress| told.lock().unwrap().push((progress.fraction, progress.message.clone()))
        });
        for (fraction, message) in reports {
            setup.clone().progress(*fraction, *message);
        }
        told.lock().unwrap().clone()
    }

    #[test]
    fn a_report_that_says_nothing_new_is_not_passed_on() {
        let reports =
            [(0.5, "load"), (0.505, "load"), (0.505, "warm up"), (0.52, "warm up"), (1.0, "warm up")];
        let told = passed_on(&reports);
        let fractions: Vec<_> = told.iter().map(|(fraction, _)| *fraction).collect();
        assert_eq!(fractions, [0.5, 0.505, 0.52, 1.0]);
    }

    #[test]
    fn the_end_is_always_news() {
        assert_eq!(passed_on(&[(0.999, "load"), (1.0, "load"), (1.0, "load")]).len(), 2);
    }

    #[test]
    fn a_fraction_is_brought_into_its_range_and_a_message_cut_to_a_line() {
        let long = "ß".repeat(MAX_MESSAGE_BYTES);
        let told = passed_on(&[(f64::NAN, "a"), (-1.0, "b"), (7.0, "c"), (0.5, &long)]);
        let fractions: Vec<_> = told.iter().map(|(fraction, _)| *fraction).collect();
        assert_eq!(fractions, [0.0, 0.0, 1.0, 0.5]);
        assert_eq!(told.last().map(|(_, message)| message.len()), Some(MAX_MESSAGE_BYTES));
    }
}
