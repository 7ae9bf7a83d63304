//! What a driver is made of.

use std::sync::{Arc, OnceLock};

use tokio::sync::{Notify, broadcast, mpsc, watch};

use super::requests::ControlRequest;
use crate::client_policy::ClientPolicy;
use crate::event_log::EventLog;
use crate::events::Event;
use crate::fleet::{FleetSettings, GaveUp};
use crate::probe::ProbeTarget;
use crate::proxy::{Balancer, Report};

/// What a driver is made of.
pub(crate) struct DriverParts {
    pub(crate) settings: FleetSettings,
    pub(crate) probe_target: Option<ProbeTarget>,
    pub(crate) balancer: Arc<Balancer>,
    /// Notified when a response has asked for a check.
    pub(crate) asked: Arc<Notify>,
    pub(crate) reports: mpsc::UnboundedReceiver<Report>,
    pub(crate) requests: mpsc::UnboundedReceiver<ControlRequest>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) event_log: Arc<EventLog>,
    /// Changed if the host gives up.
    pub(crate) client_policy: watch::Sender<ClientPolicy>,
    /// Set if the host gives up.
    pub(crate) gave_up: Arc<OnceLock<GaveUp>>,
}
