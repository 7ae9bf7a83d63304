//! One client connection, as its requests see it.

use std::sync::Arc;

use super::balancer::Balancer;
use super::client::Client;
use super::tunnel::TunnelSlot;

/// One client connection, for all of its requests.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) balancer: Arc<Balancer>,
    pub(super) client: Arc<Client>,
    pub(super) tunnel: TunnelSlot,
}
