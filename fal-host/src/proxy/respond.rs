//! Passes a runner's response on to the client.

use std::future::poll_fn;
use std::task::Poll;

use http::{HeaderValue, Response, Version};
use hyper::body::Incoming;

use super::body::ResponseBody;
use super::error::ProxyError;
use super::exchange::Exchange;
use super::response_head::{Asks, keep_alive_timeout, prepare_response, prepare_switch};
use super::tunnel::TunnelSlot;

/// Whether a response may ask for anything. Those of the health endpoint may not (S28).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MayAsk {
    Yes,
    No,
}

/// Passes a response on, whose body follows.
pub(super) async fn pass_on(
    response: Response<Incoming>,
    mut exchange: Exchange,
    may_ask: MayAsk,
) -> Result<Response<ResponseBody>, ProxyError> {
    let (mut parts, incoming) = response.into_parts();
    // The runner's version concerns its connection to this host only.
    parts.version = Version::HTTP_11;
    exchange.keep_for(keep_alive_timeout(&parts.headers));
    let asks = prepare_response(&mut parts.headers).map_err(|_| ProxyError::Malformed)?;
    if may_ask == MayAsk::Yes {
        match asks {
            Asks::Nothing => {}
            Asks::Check => exchange.ask(),
            Asks::Stop => exchange.stop_runner(),
        }
    }
    // Nothing is waited for; the context is what is needed.
    let mut body = Some((incoming, exchange));
    let body = poll_fn(|cx| match body.take() {
        Some((incoming, exchange)) => Poll::Ready(ResponseBody::of_runner(incoming, exchange, cx)),
        None => Poll::Pending,
    });
    Ok(Response::from_parts(parts, body.await))
}

/// Passes `101 Switching Protocols` on. The client's connection then becomes a tunnel to the runner.
pub(super) fn switch(
    response: Response<Incoming>,
    exchange: Exchange,
    id: HeaderValue,
    tunnel: &TunnelSlot,
) -> Result<Response<ResponseBody>, ProxyError> {
    let (mut parts, _) = response.into_parts();
    prepare_switch(&mut parts.headers);
    let body = ResponseBody::empty(exchange.client().clone());
    tunnel.put(exchange.into_tunnel(id).ok_or(ProxyError::Malformed)?);
    Ok(Response::from_parts(parts, body))
}
