//! Server-sent events.

use std::marker::PhantomData;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::mpsc;

use super::head::ResponseHead;
use crate::error::{Error, Result};
use crate::json;

/// Server-sent events, for an endpoint that answers bit by bit: it takes them as `events: &mut Events<T>` and returns
/// `()` or `Result<()>`.
///
/// Each item becomes one event, whose data is the item as JSON. The endpoint runs while its client reads, and so may
/// borrow from `&self`; its place under `max_multiplexing` lasts until the stream has ended (S38). When the client
/// leaves, an async endpoint is dropped where it waits; a blocking one goes on until it next sends, which fails then.
///
/// The head goes out with the first event, or when the endpoint returns without one. Until then it can be changed by
/// [`response`](Self::response), and an error is an ordinary error response. After the first event an error is one last
/// event, of the type `error`, whose data is what the error response would have had.
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
        Self { channel: EventChannel { head: Some(head), spent, sender }, items: PhantomData }
    }

    /// The head of the response. Once the first event is sent, changes to it change nothing; a request for a health
    /// check (S27) has to be made before, too.
    pub fn response(&mut self) -> &mut ResponseHead {
        self.channel.head.as_mut().unwrap_or(&mut self.channel.spent)
    }
}

impl<T: Serialize> Events<T> {
    /// Sends an item, as soon as the one before it is on its way to the client.
    ///
    /// It is an error where the item has no JSON form. When the client has left, it does not return: the endpoint is
    /// dropped. Dropping the future before it is ready sends nothing.
    pub fn send(&mut self, item: T) -> impl Future<Output = Result<()>> + Send + use<'_, T> {
        let event = event(&item);
        self.channel.send(event)
    }

    /// The same for a blocking endpoint, a plain `fn`: it waits on its thread. It is also an error where the client has
    /// left.
    ///
    /// # Panics
    ///
    /// In an async endpoint, whose thread is not to be blocked: use [`send`](Self::send) there.
    pub fn send_blocking(&mut self, item: T) -> Result<()> {
        let sent = self.channel.prepare(event(&item)?);
        self.channel.sender.blocking_send(sent).map_err(|_| client_left())
    }
}

fn event(item: &impl Serialize) -> Result<Bytes> {
    json::write(item).into_bytes().map(|data| frame(None, &data))
}

/// One event. JSON has no line breaks of its own.
pub(crate) fn frame(name: Option<&str>, data: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(data.len() + 32);
    if let Some(name) = name {
        frame.extend_from_slice(b"event: ");
        frame.extend_from_slice(name.as_bytes());
        frame.push(b'\n');
    }
    frame.extend_from_slice(b"data: ");
    frame.extend_from_slice(data);
    frame.extend_from_slice(b"\n\n");
    frame.into()
}

fn client_left() -> Error {
    Error::msg("the client has left")
}

/// What an endpoint that sends events has sent.
#[derive(Debug)]
pub(crate) enum EventMessage {
    /// The first event, and with it the head.
    First(ResponseHead, Bytes),
    /// A further event.
    Event(Bytes),
    /// The head of an endpoint that has ended without an event, however it ended.
    Unused(ResponseHead),
}

/// Holds one event: the next waits until it has been taken.
pub(crate) type Sender = mpsc::Sender<EventMessage>;

/// All of [`Events`] but the type of its items.
#[derive(Debug)]
struct EventChannel {
    /// None when it has been sent.
    head: Option<ResponseHead>,
    /// What is changed after that.
    spent: ResponseHead,
    sender: Sender,
}

impl EventChannel {
    async fn send(&mut self, event: Result<Bytes>) -> Result<()> {
        // Room first: what is dropped while it waits has sent nothing, and has kept the head.
        let event = event?;
        let room = self.sender.clone().reserve_owned().await.map_err(|_| client_left())?;
        room.send(self.prepare(event));
        Ok(())
    }

    fn prepare(&mut self, event: Bytes) -> EventMessage {
        match self.head.take() {
            Some(head) => EventMessage::First(head, event),
            None => EventMessage::Event(event),
        }
    }
}

impl Drop for EventChannel {
    fn drop(&mut self) {
        if let Some(head) = self.head.take() {
            // There is room, since nothing has been sent. A client that has left wants no head.
            let _ = self.sender.try_send(EventMessage::Unused(head));
        }
    }
}

/// What an item of [`Events`] has to be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as an event",
    label = "not serializable, or without a JSON schema",
    note = "write `#[derive(Serialize, JsonSchema)]` above the type"
)]
pub trait Event: Serialize + JsonSchema {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + JsonSchema> Event for T {}

/// What an endpoint sends.
pub trait EventStream {
    /// One event.
    type Item;
}

impl<T> EventStream for Events<T> {
    type Item = T;
}
