//! How requests end when the host stops (S41, S66).

use super::{Balancer, StopPhase};
use crate::proxy::error::ProxyError;

impl Balancer {
    /// The host stops: requests that wait, and later ones that find no free permit, are answered `host_stopping` (S41).
    pub(crate) fn stop(&self) {
        self.close_connections();
        let waiting = {
            let mut state = self.lock();
            if !matches!(state.stop, StopPhase::Serving) {
                return;
            }
            state.stop = StopPhase::Lingering { leaving: Vec::new() };
            state.permits.cancel_all()
        };
        drop(waiting);
    }

    /// Why a request that waited was removed from the queue.
    pub(in crate::proxy) fn why_removed(&self) -> ProxyError {
        let state = self.lock();
        match state.stop {
            // It has made room for another one (S38j, S56c).
            StopPhase::Serving => {
                ProxyError::QueueFull { limit: self.limits.queue, cause: state.wait_cause() }
            }
            StopPhase::Lingering { .. } | StopPhase::Stopped => ProxyError::HostStopping,
        }
    }

    /// No client can send a request any more that it may expect to be served. Every later one is answered `host_stopping`.
    /// A host that retires goes on with those that it has.
    pub(crate) fn end_linger(&self) {
        let mut state = self.lock();
        if let StopPhase::Lingering { leaving } = &mut state.stop {
            let leaving = std::mem::take(leaving);
            state.stop = StopPhase::Stopped;
            drop(state);
            for id in leaving {
                self.remove_now(id);
            }
        }
    }
}
