//! What stands for the spans of requests in a host that is built without them.

use std::time::Duration;

use http::{HeaderMap, Request, StatusCode};

use super::access_log::RequestOutcome;
use super::client::Client;
use crate::RunnerId;

/// Makes no spans.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestTracer(());

/// No spans.
#[derive(Debug)]
pub(super) struct RequestTrace;

#[expect(clippy::unused_self, reason = "it stands for the spans of a request")]
impl RequestTrace {
    pub(super) const fn begin<B>(_: &RequestTracer, _: &Client, _: &mut Request<B>, _: Option<&str>) -> Self {
        Self
    }

    pub(super) const fn set_waited(&mut self, _: Duration) {}

    pub(super) const fn begin_exchange(&mut self, _: &mut HeaderMap) {}

    pub(super) const fn set_runner(&mut self, _: RunnerId) {}

    pub(super) const fn lose(&mut self, _: &'static str) {}

    pub(super) const fn end(&mut self, _: Option<StatusCode>, _: RequestOutcome) {}
}
