//! What stands for TLS in a host that is built without it.

use std::io;

use super::client_io::{Secured, Socket};

/// There is no certificate.
#[derive(Debug)]
pub(crate) enum Tls {}

impl Tls {
    pub(super) async fn accept(&self, _: Socket) -> io::Result<Secured> {
        match *self {}
    }
}
