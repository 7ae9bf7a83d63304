//! The runners of a fleet, which snapshots share with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::runner::Runner;
use crate::id::RunnerId;

/// The runners of a fleet, by id. A runner that changes while a snapshot holds it is copied before.
#[derive(Debug, Default)]
pub(super) struct RunnerMap(BTreeMap<RunnerId, Arc<Runner>>);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signatures are those of a map")]
impl RunnerMap {
    pub(super) fn get(&self, id: &RunnerId) -> Option<&Runner> {
        self.0.get(id).map(AsRef::as_ref)
    }

    pub(super) fn get_mut(&mut self, id: &RunnerId) -> Option<&mut Runner> {
        self.0.get_mut(id).map(Arc::make_mut)
    }

    pub(super) fn insert(&mut self, id: RunnerId, runner: Runner) {
        self.0.insert(id, Arc::new(runner));
    }

    pub(super) fn remove(&mut self, id: &RunnerId) -> Option<Runner> {
        self.0.remove(id).map(Arc::unwrap_or_clone)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &RunnerId> {
        self.0.keys()
    }

    pub(super) fn values(&self) -> impl DoubleEndedIterator<Item = &Runner> {
        self.shared().map(AsRef::as_ref)
    }

    pub(super) fn shared(&self) -> impl DoubleEndedIterator<Item = &Arc<Runner>> {
        self.0.values()
    }
}
