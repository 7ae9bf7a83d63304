//! How times and durations are written in JSON.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serializer;

pub(crate) fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(rounded_to_thousandths(duration.as_secs_f64()))
}

#[expect(clippy::ref_option, reason = "serde passes fields by reference")]
pub(crate) fn optional_seconds<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    seconds(&duration.unwrap_or_default(), serializer)
}

pub(crate) fn unix_time<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    seconds(&time.duration_since(UNIX_EPOCH).unwrap_or_default(), serializer)
}

#[expect(clippy::ref_option, reason = "serde passes fields by reference")]
pub(crate) fn optional_unix_time<S: Serializer>(
    time: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    unix_time(&time.unwrap_or(UNIX_EPOCH), serializer)
}

pub(crate) fn rounded_to_thousandths(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}
