//! What the host keeps of a runner beside its state: what it printed, why its checks failed, and what the kernel reports about its
//! end (S85).

mod end;
mod of_checks;
mod oom;
mod output_tail;
mod usage;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};

use fal_health::CheckId;

use self::of_checks::OfChecks;
use crate::check_requester::CheckRequester;
use crate::fleet::MAX_RECORDS;
use crate::id::RunnerId;
use crate::proxy::LostRequests;
use crate::request_info::RequestInfo;

pub(crate) use self::end::EndEvidence;
pub use self::oom::OomEvidence;
pub(crate) use self::oom::OomWatch;
pub use self::output_tail::{OutputLine, OutputStream};
pub(crate) use self::output_tail::{OutputTail, last_line};
pub use self::usage::Usage;
pub(crate) use self::usage::bytes_of;

/// How much is kept of the reason that a failed check gave, in bytes (S85a).
pub(crate) const MAX_DETAIL: usize = 1024;

/// What is kept of one runner. The launcher, the checks and the admin interface share it.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) output: OutputTail,
    /// Why the last checks failed.
    details: OfChecks<Arc<str>>,
    /// What has asked for the last manual checks.
    requesters: OfChecks<Arc<CheckRequester>>,
    end: OnceLock<EndEvidence>,
    lost_requests: OnceLock<Arc<LostRequests>>,
}

impl Evidence {
    /// Keeps why a check failed, and forgets the oldest reason.
    pub(crate) fn check_failed(&self, check: CheckId, detail: &str) {
        self.details.push(check, truncated(detail).into());
    }

    /// Keeps what has asked for a manual check. `None`: the same as for the one before, since it is its next try (S20d).
    pub(crate) fn check_requested(&self, check: CheckId, by: Option<CheckRequester>) {
        if let Some(by) = by.map(Arc::new).or_else(|| self.requesters.last()) {
            self.requesters.push(check, by);
        }
    }

    /// What has asked for this manual check, if that is known.
    pub(crate) fn requester(&self, check: CheckId) -> Option<Arc<CheckRequester>> {
        self.requesters.of(check)
    }

    /// Why this check failed, if that is known.
    pub(crate) fn detail(&self, check: CheckId) -> Option<Arc<str>> {
        self.details.of(check)
    }

    /// Keeps what the kernel reports about the end of the runner's process.
    pub(crate) fn ended(&self, end: EndEvidence) {
        // A process ends once.
        let _ = self.end.set(end);
    }

    /// The runner's process has exited: where the requests are kept that are lost with it.
    pub(crate) fn set_lost_requests(&self, lost: Option<Arc<LostRequests>>) {
        if let Some(lost) = lost {
            // A process ends once.
            let _ = self.lost_requests.set(lost);
        }
    }

    /// The requests that were lost with the runner.
    pub(crate) fn lost_requests(&self) -> Vec<RequestInfo> {
        self.lost_requests.get().map(|lost| lost.all()).unwrap_or_default()
    }

    pub(crate) fn end(&self) -> EndEvidence {
        self.end.get().copied().unwrap_or_default()
    }
}

/// At most [`MAX_DETAIL`] bytes of a text, cut between characters.
fn truncated(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_DETAIL)).unwrap_or(text)
}

/// What is kept of the runners that have not ended, and of the last ones that have.
#[derive(Debug, Default)]
pub(crate) struct EvidenceStore {
    all: BTreeMap<RunnerId, Arc<Evidence>>,
    ended: VecDeque<RunnerId>,
}

impl EvidenceStore {
    /// Begins to keep what becomes known of a runner.
    pub(crate) fn begin(&mut self, id: RunnerId) -> Arc<Evidence> {
        Arc::clone(self.all.entry(id).or_default())
    }

    /// The runner has ended: it is forgotten when its record is (S36d).
    pub(crate) fn ended(&mut self, id: RunnerId) {
        if let Some(evidence) = self.all.get(&id) {
            evidence.output.close();
        }
        self.ended.push_back(id);
        if self.ended.len() > MAX_RECORDS
            && let Some(oldest) = self.ended.pop_front()
        {
            self.all.remove(&oldest);
        }
    }

    pub(crate) fn of(&self, id: RunnerId) -> Option<&Arc<Evidence>> {
        self.all.get(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_runner_is_forgotten_with_its_record_s85a() {
        let mut store = EvidenceStore::default();
        let ids: Vec<_> = (1..=300).map(RunnerId::new).collect();
        for id in &ids {
            store.begin(*id).output.push(OutputStream::Stdout, "hello");
            store.ended(*id);
        }
        assert_eq!(store.all.len(), MAX_RECORDS);
        assert!(store.of(ids[0]).is_none() && store.of(ids[299]).is_some());
    }

    #[test]
    fn the_reason_of_a_failed_check_is_cut_between_characters_s85a() {
        assert_eq!(truncated("short"), "short");
        assert_eq!(truncated(&"é".repeat(MAX_DETAIL)).len(), MAX_DETAIL);
        assert_eq!(truncated(&format!("x{}", "é".repeat(MAX_DETAIL))).len(), MAX_DETAIL - 1);
    }
}
