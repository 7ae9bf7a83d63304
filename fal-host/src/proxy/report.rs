//! What the data plane tells the control side.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};

use crate::RunnerId;

/// How the data plane notifies the control side.
#[derive(Clone, Debug)]
pub(crate) struct Reports {
    /// Notified when `Balancer::take_asked` has something new.
    pub(crate) asked: Arc<Notify>,
    pub(crate) events: mpsc::UnboundedSender<Report>,
}

/// An event of a runner, for the control side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// Its last request has ended since `Balancer::remove`.
    Drained(RunnerId),
    /// It refused a request's connection and then a fresh one. It gets no more requests (S39). The text says where, and of which
    /// request.
    Unreachable(RunnerId, String),
    /// It has served as many requests as it may (S54).
    RequestsReached(RunnerId),
    /// A response asked for its stop. It gets no more requests (S58).
    StopRequested(RunnerId),
}
