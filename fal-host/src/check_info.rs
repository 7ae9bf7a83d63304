//! A finished check, as snapshots and events show it.

use std::sync::Arc;
use std::time::Duration;

use fal_health::{CheckRecord, Outcome, Time, Trigger};
use http::StatusCode;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::check_requester::CheckRequester;
use crate::evidence::Evidence;
use crate::json::rounded_to_thousandths;

/// A finished check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckInfo {
    /// Why the host made it.
    pub trigger: Trigger,
    /// What it showed. JSON has the fields `outcome`, `reason`, and `status` where the runner answered with one.
    pub outcome: Outcome,
    /// How long it took. JSON has it as `duration_ms`.
    pub duration: Duration,
    /// How long ago it ended; for an ended runner, how long before its end. JSON has it as `ago_seconds`.
    pub ago: Duration,
    /// Why it failed, in the runner's words or the system's, at most 1 KiB. A [`Snapshot`](crate::Snapshot) has it of the last
    /// check of each runner, [`RunnerDetails`](crate::RunnerDetails) of every check.
    pub detail: Option<Arc<str>>,
    /// What has asked for it, if it is a manual check ([S85f](fal_health::semantics#s85f)).
    pub requested_by: Option<Arc<CheckRequester>>,
}

impl CheckInfo {
    /// Whether its response says more than its status does. Servers answer with the name of a status by themselves.
    pub(crate) fn has_finding(&self) -> bool {
        let status = self.outcome.status().and_then(|status| StatusCode::from_u16(status).ok());
        let name = status.and_then(|status| status.canonical_reason()).unwrap_or_default();
        let detail = self.detail.as_deref().unwrap_or_default().trim();
        !detail.is_empty() && !detail.eq_ignore_ascii_case(name)
    }

    /// A check that has ended a moment ago.
    pub(crate) fn just_ended(record: &CheckRecord) -> Self {
        Self::of(record, record.started + record.duration)
    }

    pub(crate) fn of(record: &CheckRecord, now: Time) -> Self {
        Self {
            trigger: record.trigger,
            outcome: record.outcome,
            duration: record.duration,
            ago: now.since(record.started + record.duration),
            detail: None,
            requested_by: None,
        }
    }
}

impl CheckInfo {
    /// A check with what is kept of it.
    pub(crate) fn with_detail(record: &CheckRecord, now: Time, kept: Option<&Evidence>) -> Self {
        let requested_by = kept.and_then(|kept| kept.requester(record.id));
        // What is kept of a check that has passed after all does not say why it failed.
        let kept = kept.filter(|_| matches!(record.outcome, Outcome::Failure(_)));
        let detail = kept.and_then(|kept| kept.detail(record.id));
        Self { detail, requested_by, ..Self::of(record, now) }
    }
}

impl Serialize for CheckInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (reason, status) = (self.outcome.reason(), self.outcome.status());
        let (detail, requested_by) = (self.detail.as_deref(), self.requested_by.as_deref());
        let optional = [reason.is_some(), status.is_some(), detail.is_some(), requested_by.is_some()];
        let fields = 4 + optional.into_iter().filter(|is_present| *is_present).count();
        let mut check = serializer.serialize_struct("CheckInfo", fields)?;
        check.serialize_field("trigger", self.trigger.name())?;
        check.serialize_field("outcome", self.outcome.name())?;
        if let Some(reason) = reason {
            check.serialize_field("reason", reason)?;
        }
        if let Some(status) = status {
            check.serialize_field("status", &status)?;
        }
        if let Some(detail) = detail {
            check.serialize_field("detail", detail)?;
        }
        if let Some(requested_by) = requested_by {
            check.serialize_field("requested_by", requested_by)?;
        }
        check
            .serialize_field("duration_ms", &rounded_to_thousandths(self.duration.as_secs_f64() * 1_000.0))?;
        check.serialize_field("ago_seconds", &rounded_to_thousandths(self.ago.as_secs_f64()))?;
        check.end()
    }
}

#[cfg(test)]
mod tests {
    use fal_health::{Failure, Inconclusive};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_check_is_serialized_as_the_admin_interface_documents_it() {
        let check = |outcome| CheckInfo {
            trigger: Trigger::Manual,
            outcome,
            duration: Duration::from_micros(1_864),
            ago: Duration::from_micros(2_016_400),
            detail: None,
            requested_by: None,
        };
        let times = json!({ "trigger": "manual", "duration_ms": 1.864, "ago_seconds": 2.016 });
        for (outcome, fields) in [
            (Outcome::Pass, json!({ "outcome": "pass" })),
            (
                Outcome::Failure(Failure::Status(500)),
                json!({ "outcome": "failure", "reason": "status", "status": 500 }),
            ),
            (Outcome::Failure(Failure::Timeout), json!({ "outcome": "failure", "reason": "timeout" })),
            (
                Outcome::Inconclusive(Inconclusive::HostLag(Failure::Timeout)),
                json!({ "outcome": "inconclusive", "reason": "host_lag" }),
            ),
        ] {
            let mut expected = times.clone();
            expected.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            assert_eq!(serde_json::to_value(check(outcome)).unwrap(), expected);
        }
    }
}
