//! Passes a runner's response on to the client.

use http::Response;

use super::body::BodySource;
use super::exchange::Exchange;
use super::request_id::RequestIdField;
use super::response_head::{Answered, Asks, prepare_response, prepare_switch};
use super::tunnel::TunnelSlot;

/// Whether a response may ask for anything. Those of the health endpoint may not (S28).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MayAsk {
    Yes,
    No,
}

/// Passes a response on, whose body follows.
pub(super) fn pass_on(
    mut response: Response<()>,
    mut exchange: Exchange,
    may_ask: MayAsk,
) -> Response<BodySource> {
    let Answered { asks, keep_alive } = prepare_response(response.headers_mut());
    exchange.keep_for(keep_alive);
    if exchange.size_hint().exact().is_none() {
        exchange.client().expect_chunks();
    }
    if may_ask == MayAsk::Yes {
        do_asked(&mut exchange, asks);
    }
    response.map(|()| BodySource::of_runner(exchange))
}

/// Passes `101 Switching Protocols` on. The client's connection then becomes a tunnel to the runner.
pub(super) fn switch(
    mut response: Response<()>,
    mut exchange: Exchange,
    may_ask: MayAsk,
    id: RequestIdField,
    tunnel: &TunnelSlot,
) -> Response<BodySource> {
    let asks = prepare_switch(response.headers_mut());
    if may_ask == MayAsk::Yes {
        do_asked(&mut exchange, asks);
    }
    if let Some(switched) = exchange.into_tunnel(id) {
        tunnel.put(switched);
    }
    response.map(|()| BodySource::empty())
}

/// Does what a response asks of the host.
fn do_asked(exchange: &mut Exchange, asks: Asks) {
    match asks {
        Asks::Nothing => {}
        Asks::Check => exchange.ask(),
        Asks::Stop => exchange.stop_runner(),
    }
}
