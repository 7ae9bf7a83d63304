//! How far the last upgrade of a host is (S93a).

use std::time::SystemTime;

use serde::Serialize;

use crate::fleet::EventKind;
use crate::json::unix_time;

/// How far the last upgrade is ([S93](fal_health::semantics#s93)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
#[non_exhaustive]
pub enum UpgradeStatus {
    /// The new program is started, and does not serve yet.
    #[non_exhaustive]
    Upgrading {
        /// The process of the new host.
        pid: u32,
        /// Since when. JSON has seconds since the Unix epoch.
        #[serde(serialize_with = "unix_time")]
        at: SystemTime,
    },
    /// The new host serves.
    #[non_exhaustive]
    Completed {
        /// The process of the new host.
        pid: u32,
    },
    /// It has failed, and this host goes on.
    #[non_exhaustive]
    Failed {
        /// Why.
        detail: String,
        /// When. JSON has seconds since the Unix epoch.
        #[serde(serialize_with = "unix_time")]
        at: SystemTime,
    },
}

impl UpgradeStatus {
    /// What an event says about an upgrade, if it is about one.
    pub(crate) fn of(kind: &EventKind, at: SystemTime) -> Option<Self> {
        match kind {
            EventKind::UpgradeStarted { pid } => Some(Self::Upgrading { pid: *pid, at }),
            EventKind::UpgradeCompleted { pid } => Some(Self::Completed { pid: *pid }),
            EventKind::UpgradeFailed { detail } => Some(Self::Failed { detail: detail.clone(), at }),
            _ => None,
        }
    }
}
