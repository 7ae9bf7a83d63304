//! The types of the errors that a host answers requests with.

use std::fmt;

/// The type of an error that the host, and not the app, answers a request with
/// ([S38f](crate::semantics#s38f)).
///
/// Clients read it as `error_type` in the JSON of the response. A runner's OpenAPI document lists every type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostErrorType {
    /// The queue has no place for another request. Status 503.
    QueueFull,
    /// The request waited in the queue for its whole limit. Status 504.
    QueueTimeout,
    /// The runner did not begin to respond within the app's `request_timeout`. Status 504.
    RequestTimeout,
    /// The connection to the runner broke, or its response is not valid HTTP. Status 503.
    RunnerDisconnected,
    /// The host is stopping. Status 503.
    HostStopping,
    /// The client sent the request's body too slowly. Status 408.
    ClientTimeout,
    /// The connection closed before the whole request body arrived. Status 400.
    BrokenBody,
    /// The request has no `host` header, more than one, or an invalid one. Status 400.
    BadHost,
    /// The request target is neither a path nor an HTTP URL. Status 400.
    BadTarget,
    /// The header `connection` names an end-to-end header. Status 400.
    BadConnection,
    /// The length of the request's body is ambiguous or invalid. Status 400.
    BadFraming,
    /// The head of the request is not valid HTTP/1.1. Status 400.
    BadHead,
    /// The head of the request is larger than the host's limit, or has more than 100 fields. Status 431.
    HeadTooLarge,
    /// The request target is longer than 65,534 bytes. Status 414.
    TargetTooLong,
    /// The method is CONNECT. Status 501.
    NotSupported,
}

impl HostErrorType {
    /// Every type, in the order of the enum.
    pub const ALL: [Self; 15] = [
        Self::QueueFull,
        Self::QueueTimeout,
        Self::RequestTimeout,
        Self::RunnerDisconnected,
        Self::HostStopping,
        Self::ClientTimeout,
        Self::BrokenBody,
        Self::BadHost,
        Self::BadTarget,
        Self::BadConnection,
        Self::BadFraming,
        Self::BadHead,
        Self::HeadTooLarge,
        Self::TargetTooLong,
        Self::NotSupported,
    ];

    /// The text of `error_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::QueueTimeout => "queue_timeout",
            Self::RequestTimeout => "request_timeout",
            Self::RunnerDisconnected => "runner_disconnected",
            Self::HostStopping => "host_stopping",
            Self::ClientTimeout => "client_timeout",
            Self::BrokenBody => "broken_body",
            Self::BadHost => "bad_host",
            Self::BadTarget => "bad_target",
            Self::BadConnection => "bad_connection",
            Self::BadFraming => "bad_framing",
            Self::BadHead => "bad_head",
            Self::HeadTooLarge => "head_too_large",
            Self::TargetTooLong => "target_too_long",
            Self::NotSupported => "not_supported",
        }
    }
}

impl fmt::Display for HostErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_read_the_names_of_the_specification_s38f() {
        let names = [
            "queue_full",
            "queue_timeout",
            "request_timeout",
            "runner_disconnected",
            "host_stopping",
            "client_timeout",
            "broken_body",
            "bad_host",
            "bad_target",
            "bad_connection",
            "bad_framing",
            "bad_head",
            "head_too_large",
            "target_too_long",
            "not_supported",
        ];
        assert_eq!(HostErrorType::ALL.map(|it| it.to_string()), names);
        assert_eq!(HostErrorType::ALL.map(HostErrorType::as_str), names);
    }
}
