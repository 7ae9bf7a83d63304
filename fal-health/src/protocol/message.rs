//! What a runner sends its host over the control channel.

use serde::{Deserialize, Serialize};

use super::VERSION;
use crate::metrics::MetricFamily;

/// The longest line of a control channel, in bytes, with its line feed. A host skips longer ones.
pub const MAX_LINE_LEN: usize = 64 * 1024;

/// The longest error of a [`Message::Failed`], in bytes: JSON escapes take at most six times as many.
const MAX_ERROR_LEN: usize = 8 * 1024;

/// One message: a line of JSON.
///
/// A new message is a new variant. Both sides match on all of them, so that neither can forget it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Message {
    /// The runner listens at its address and serves requests. Use [`ready`](Self::ready) for a runner of this library.
    Ready {
        /// The runner's version of the contract, if it says it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        protocol: Option<u32>,
    },
    /// `setup` is at this point.
    Progress(Progress),
    /// A metric that the runner counts has these values now.
    Metrics(MetricFamily),
    /// The runner will exit before it is ready. Use [`failed`](Self::failed) for a text of any length.
    Failed {
        /// The reason, with its causes.
        error: String,
    },
}

/// The progress of a runner's `setup`, as it reports it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// From 0 to 1.
    pub fraction: f64,
    /// What `setup` is doing.
    pub message: String,
}

/// A line that is not a [`Message`].
#[derive(Debug, thiserror::Error)]
#[error("not a control-channel message")]
pub struct MessageError(#[source] serde_json::Error);

impl Message {
    /// The runner listens at its address and serves requests, and speaks this version of the contract.
    pub const fn ready() -> Self {
        Self::Ready { protocol: Some(VERSION) }
    }

    /// The runner will exit before it is ready, for this reason. An error over 8 KiB is cut.
    pub fn failed(error: &str) -> Self {
        let end = error.floor_char_boundary(MAX_ERROR_LEN);
        Self::Failed { error: error.get(..end).unwrap_or_default().to_owned() }
    }

    /// The message as a line of JSON, with its line feed.
    pub fn encode(&self) -> String {
        // Strings and numbers can always be written.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// Reads a line, with or without its line feed.
    ///
    /// # Errors
    ///
    /// If the line is not JSON, or not one of the messages. Unknown fields are no error.
    pub fn decode(line: &[u8]) -> Result<Self, MessageError> {
        Ok(match serde_json::from_slice(line).map_err(MessageError)? {
            Self::Progress(Progress { fraction, message }) => {
                Self::Progress(Progress::new(fraction, message))
            }
            message => message,
        })
    }
}

impl Progress {
    /// Takes a fraction outside 0 to 1 as the nearer end, and one that is not a number as 0.
    pub fn new(fraction: f64, message: impl Into<String>) -> Self {
        let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
        Self { fraction, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::MetricKind;

    #[test]
    fn each_message_is_one_line_of_json_and_read_back_as_it_was() {
        for (message, line) in [
            (Message::ready(), "{\"ready\":{\"protocol\":1}}\n"),
            (Message::Ready { protocol: None }, "{\"ready\":{}}\n"),
            (
                Message::Progress(Progress::new(0.25, "a\nb")),
                "{\"progress\":{\"fraction\":0.25,\"message\":\"a\\nb\"}}\n",
            ),
            (
                Message::Metrics(MetricFamily::new(MetricKind::Counter, "hits", "Hits.").with([], 2_u64)),
                "{\"metrics\":{\"name\":\"hits\",\"help\":\"Hits.\",\"kind\":\"counter\",\"series\":[{\"value\":2.0}]}}\n",
            ),
            (
                Message::failed("no such model:\n  \"large\""),
                "{\"failed\":{\"error\":\"no such model:\\n  \\\"large\\\"\"}}\n",
            ),
        ] {
            assert_eq!(message.encode(), line);
            assert_eq!(Message::decode(line.as_bytes()).unwrap(), message);
        }
    }

    #[test]
    fn an_error_of_any_length_fits_into_a_line() {
        for text in ["\u{1}", "x", "ß", "\u{1F980}"] {
            let line = Message::failed(&text.repeat(100_000)).encode();
            assert!(line.len() <= MAX_LINE_LEN, "{text:?}: {} bytes", line.len());
            let Ok(Message::Failed { error }) = Message::decode(line.as_bytes()) else { panic!("{line}") };
            assert!(error.len() > MAX_ERROR_LEN - 4 && error.starts_with(text), "{text:?}");
        }
    }

    #[test]
    fn a_fraction_is_brought_into_its_range() {
        for (written, read) in [("1e9", 1.0), ("-3", 0.0), ("0.5", 0.5)] {
            let line = format!("{{\"progress\":{{\"fraction\":{written},\"message\":\"\"}}}}");
            assert_eq!(Message::decode(line.as_bytes()).unwrap(), Message::Progress(Progress::new(read, "")));
        }
        assert_eq!(Progress::new(f64::NAN, "").fraction.total_cmp(&0.0), std::cmp::Ordering::Equal);
    }

    #[test]
    fn an_invalid_line_is_an_error_and_unknown_fields_are_ignored() {
        for line in ["", "{}", "[]", "not json", r#"{"novelty":1}"#, r#"{"ready":0}"#, r#"{"failed":{}}"#] {
            let error = Message::decode(line.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), "not a control-channel message", "{line}");
            assert!(std::error::Error::source(&error).is_some());
        }
        assert_eq!(Message::decode(br#"{"ready":{"since":1}}"#).unwrap(), Message::Ready { protocol: None });
    }
}
