//! Tables of a comparison, as Markdown.

use std::fmt::Write;

use crate::contender::Workload;
use crate::rounds::Series;

/// A limit on the ratio of the CPU times of two programs.
pub(crate) struct Limit {
    pub(crate) of: &'static str,
    pub(crate) to: &'static str,
    pub(crate) at_most: f64,
}

/// The table of one workload, and what came of its limits.
pub(crate) fn table(load: &Workload, all: &[Series], limits: &[Limit]) -> String {
    let mut text = format!("**{}**\n\n", load.title);
    let unit = load.unit;
    let Some(first) = all.first() else { return text };
    let _ = writeln!(text, "| | CPU µs/{unit} | user | ratio | spread | {unit}s/s | p50 µs | p99 µs |");
    let _ = writeln!(text, "|---|---:|---:|---:|---:|---:|---:|---:|");
    for series in all {
        let (low, high) = series.spread();
        let _ = writeln!(
            text,
            "| {} | {:.2} | {:.2} | {:.2} | {low:.2}–{high:.2} | {:.0} | {:.0} | {:.0} |",
            series.name,
            series.median(|it| it.cpu),
            series.median(|it| it.user),
            series.ratio(first),
            series.median(|it| it.per_second),
            series.median(|it| it.p50),
            series.median(|it| it.p99),
        );
    }
    text.push('\n');
    for limit in limits {
        let find = |name| all.iter().find(|series| series.name == name);
        let (Some(of), Some(to)) = (find(limit.of), find(limit.to)) else { continue };
        let ratio = of.ratio(to);
        let verdict = verdict(ratio <= limit.at_most);
        let _ = writeln!(
            text,
            "- {} / {}: {ratio:.2}, limit {:.2}: {verdict}",
            limit.of, limit.to, limit.at_most
        );
    }
    let disturbed: usize = all.iter().map(Series::disturbed).sum();
    if disturbed > 0 {
        let count: usize = all.iter().map(|series| series.samples.len()).sum();
        let _ = writeln!(
            text,
            "- other programs took more than 5 % of a core in {disturbed} of {count} measurements"
        );
    }
    text
}

/// What came of a limit.
pub(crate) fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "**missed**" }
}
