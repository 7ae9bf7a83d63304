//! Server-sent events.

use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::mpsc;

use super::head::ResponseHead;
use super::server_event::ServerEvent;
use crate::error::{Error, Result};

/// Server-sent events: an endpoint takes `events: &mut Events<T>`, sends items, and returns `()` or `Result<()>`.
///
/// Each item becomes one event, whose data is the item as JSON. The endpoint runs while the client reads, so
/// it may borrow from `&self`. It counts against `max_multiplexing` until the stream has ended
/// ([S38](fal_health::semantics#s38)). When the client disconnects, an async endpoint is dropped at its next
/// await; a blocking one runs until its next send, which fails.
///
/// The response head is sent with the first event, or when the endpoint returns without one. Until then
/// [`response`](Self::response) can change it, and an error becomes an ordinary error response. After the first
/// event, an error is sent as one last event of the type `error`, whose data is the body that the error response
/// would have had.
///
/// ```
/// use fal_runtime::prelude::*;
///
/// #[derive(Default)]
/// struct Countdown;
///
/// #[app]
/// impl Countdown {
///     #[endpoint("/")]
///     async fn count(&self, from: u32, events: &mut Events<u32>) -> Result<()> {
///         for number in (0..=from).rev() {
///             events.send(number).await?;
///         }
///         Ok(())
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Events<T> {
    channel: EventChannel,
    items: PhantomData<fn(T)>,
}

impl<T> Events<T> {
    pub(crate) fn new(sender: Sender) -> Self {
        let [head, spent] = [ResponseHead::default(), ResponseHead::default()];
        Self {
            channel: EventChannel { head: Some(head), spent, sender, keep_alive: Some(KEEP_ALIVE) },
            items: PhantomData,
        }
    }

    /// The head of the response. Changes after the first event have no effect, so request a health check
    /// before it, too ([S27](fal_health::semantics#s27)).
    pub fn response(&mut self) -> &mut ResponseHead {
        self.channel.head.as_mut().unwrap_or(&mut self.channel.spent)
    }
}

impl<T> Events<T> {
    /// Sets after how much time without an event a comment is sent, so that proxies keep the connection open. Default: 15 s.
    /// `None` turns it off. A change after the first event has no effect.
    pub fn keep_alive(&mut self, interval: impl Into<Option<Duration>>) {
        self.channel.keep_alive = interval.into().filter(|interval| !interval.is_zero());
    }
}

impl<T: Serialize> Events<T> {
    /// Sends an item. It waits until the previous one has been passed to the connection.
    ///
    /// It is an error if the item cannot be serialized as JSON. When the client has disconnected, it does not
    /// return: the endpoint is dropped. Cancelling the future before it is ready sends nothing.
    pub fn send(&mut self, item: T) -> impl Future<Output = Result<()>> + Send + use<'_, T> {
        self.send_event(ServerEvent::new(item))
    }

    /// [`send`](Self::send) for an event with a name, an id or a time to reconnect. It is also an error if the name or the id has
    /// a line break.
    pub fn send_event(
        &mut self,
        event: ServerEvent<T>,
    ) -> impl Future<Output = Result<()>> + Send + use<'_, T> {
        let frame = event.frame();
        self.channel.send(frame)
    }

    /// [`send`](Self::send) for blocking endpoints: it blocks the thread. It is also an error if the client has
    /// disconnected.
    ///
    /// # Panics
    ///
    /// In an async endpoint, whose thread must not block: use [`send`](Self::send) there.
    pub fn send_blocking(&mut self, item: T) -> Result<()> {
        self.send_event_blocking(&ServerEvent::new(item))
    }

    /// [`send_event`](Self::send_event) for blocking endpoints: it blocks the thread.
    ///
    /// # Panics
    ///
    /// In an async endpoint, as [`send_blocking`](Self::send_blocking).
    pub fn send_event_blocking(&mut self, event: &ServerEvent<T>) -> Result<()> {
        let sent = self.channel.prepare(event.frame()?);
        self.channel.sender.blocking_send(sent).map_err(|_| client_left())
    }
}

fn client_left() -> Error {
    Error::msg("the client has disconnected")
}

/// A message from the endpoint to the response body.
#[derive(Debug)]
pub(crate) enum EventMessage {
    /// The first event, and with it the head and the interval of keep-alive comments.
    First(ResponseHead, Bytes, Option<Duration>),
    /// A later event.
    Event(Bytes),
    /// The head of an endpoint that has ended without an event.
    Unused(ResponseHead),
}

/// The channel holds one event; the next send waits.
pub(crate) type Sender = mpsc::Sender<EventMessage>;

/// The untyped part of [`Events`].
#[derive(Debug)]
struct EventChannel {
    /// `None` once it has been sent.
    head: Option<ResponseHead>,
    /// Takes the changes after that.
    spent: ResponseHead,
    sender: Sender,
    keep_alive: Option<Duration>,
}

/// The default interval of keep-alive comments.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

impl EventChannel {
    async fn send(&mut self, event: Result<Bytes>) -> Result<()> {
        // Reserve first: a cancelled send keeps the head.
        let event = event?;
        let room = self.sender.clone().reserve_owned().await.map_err(|_| client_left())?;
        room.send(self.prepare(event));
        Ok(())
    }

    fn prepare(&mut self, event: Bytes) -> EventMessage {
        match self.head.take() {
            Some(head) => EventMessage::First(head, event, self.keep_alive),
            None => EventMessage::Event(event),
        }
    }
}

impl Drop for EventChannel {
    fn drop(&mut self) {
        if let Some(head) = self.head.take() {
            // The channel is empty, since nothing has been sent. The receiver may be gone with its client.
            let _ = self.sender.try_send(EventMessage::Unused(head));
        }
    }
}

/// An item of [`Events`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as an event",
    label = "not serializable, or without a JSON schema",
    note = "write `#[derive(Serialize, JsonSchema)]` above the type"
)]
pub trait Event: Serialize + JsonSchema {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + JsonSchema> Event for T {}

/// The type that an endpoint takes to send events.
pub trait EventStream {
    /// The item of one event.
    type Item;
}

impl<T> EventStream for Events<T> {
    type Item = T;
}
