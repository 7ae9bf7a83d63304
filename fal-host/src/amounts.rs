//! How logs and explanations write durations and amounts of memory.

use std::time::Duration;

/// A duration to the millisecond, or to the microsecond below one millisecond.
pub(crate) fn rounded(duration: Duration) -> Duration {
    let unit = if duration < Duration::from_millis(1) { 1_000 } else { 1_000_000 };
    Duration::new(duration.as_secs(), duration.subsec_nanos() / unit * unit)
}

/// A duration as text.
pub(crate) fn duration(duration: Duration) -> String {
    if duration.is_zero() { "0s".to_owned() } else { format!("{:?}", rounded(duration)) }
}

/// A duration in whole seconds, as tables write it.
pub(crate) fn whole_seconds(duration: Duration) -> String {
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}

/// An amount of memory in a unit that suits it.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
pub(crate) fn memory(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes < 1_024.0 {
        format!("{mebibytes:.1} MiB")
    } else {
        format!("{:.1} GiB", mebibytes / 1_024.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_a_unit_that_suits_them() {
        assert_eq!([0, 1_500].map(|millis| duration(Duration::from_millis(millis))), ["0s", "1.5s"]);
        assert_eq!([50 << 20, 3 << 29].map(memory), ["50.0 MiB", "1.5 GiB"]);
    }
}
