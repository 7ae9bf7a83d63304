//! One server-sent event with its fields.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::json;

/// One server-sent event of [`Events`](crate::Events): an item, and the fields that a browser's `EventSource` reads.
///
/// A browser that reconnects sends the last id as the header `last-event-id`. An endpoint reads it with a
/// [`Headers`](crate::extract::Headers) struct that has a field `last_event_id`.
///
/// ```
/// use std::time::Duration;
///
/// use fal_runtime::answer::ServerEvent;
/// use fal_runtime::prelude::*;
///
/// #[derive(Default)]
/// struct Chat;
///
/// #[app]
/// impl Chat {
///     #[endpoint("/")]
///     async fn chat(&self, events: &mut Events<String>) -> Result<()> {
///         let retry = Duration::from_secs(2);
///         events.send_event(ServerEvent::new("hello".into()).name("token").id("1").retry(retry)).await
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct ServerEvent<T> {
    item: T,
    name: Option<String>,
    id: Option<String>,
    retry: Option<Duration>,
}

impl<T> ServerEvent<T> {
    /// An event of this item, without further fields.
    pub const fn new(item: T) -> Self {
        Self { item, name: None, id: None, retry: None }
    }

    /// Sets its name, by which `addEventListener` selects it. Default: `message`. `error` is the name of the event that ends a
    /// stream after an error.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets its id.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets how long the client waits before it reconnects, in whole milliseconds.
    pub fn retry(mut self, wait: Duration) -> Self {
        self.retry = Some(wait);
        self
    }
}

impl<T: Serialize> ServerEvent<T> {
    /// Formats the event.
    pub(super) fn frame(&self) -> Result<Bytes> {
        let data = json::write(&self.item).into_bytes()?;
        let mut fields = Vec::new();
        for (field, value) in [("event", &self.name), ("id", &self.id)] {
            if let Some(value) = value {
                if value.contains(['\n', '\r', '\0']) {
                    return Err(Error::msg(format!(
                        "invalid `{field}` of an event, {value:?}: remove the control character"
                    )));
                }
                fields.push((field, value.clone()));
            }
        }
        fields.extend(self.retry.map(|wait| ("retry", wait.as_millis().to_string())));
        Ok(frame(&fields, &data))
    }
}

/// Formats one event. JSON on one line needs no escaping.
pub(crate) fn frame(fields: &[(&str, String)], data: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(data.len() + 32);
    for (field, value) in fields {
        for part in [field, ": ", value, "\n"] {
            frame.extend_from_slice(part.as_bytes());
        }
    }
    frame.extend_from_slice(b"data: ");
    frame.extend_from_slice(data);
    frame.extend_from_slice(b"\n\n");
    frame.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_one_line_and_the_data_is_the_last() {
        let event = ServerEvent::new("a\nb").name("token").id("7").retry(Duration::from_millis(1500));
        assert_eq!(event.frame().unwrap(), "event: token\nid: 7\nretry: 1500\ndata: \"a\\nb\"\n\n");
        assert_eq!(ServerEvent::new(7).frame().unwrap(), "data: 7\n\n");
    }

    #[test]
    fn a_field_with_a_line_break_is_an_error() {
        assert!(ServerEvent::new(7).id("1\n2").frame().is_err());
        assert!(ServerEvent::new(7).name("a\rb").frame().is_err());
    }
}
