//! The response body of the host's own errors, for the OpenAPI document.

use schemars::JsonSchema;

/// An error of the host that forwards requests, not of the endpoint (S38f).
#[derive(JsonSchema)]
#[expect(dead_code, reason = "the host writes it; here it is only described")]
pub(crate) struct HostError {
    /// What went wrong, for people.
    detail: String,
    /// What went wrong, for programs.
    error_type: HostErrorType,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "only described")]
enum HostErrorType {
    /// The queue has no place for another request.
    QueueFull,
    /// No runner took the request in time.
    QueueTimeout,
    /// The endpoint did not begin to respond in time.
    RequestTimeout,
    /// The connection to the runner broke before it responded.
    RunnerDisconnected,
    /// The host is stopping.
    HostStopping,
    /// The client sent the request's body too slowly.
    ClientTimeout,
    /// The connection closed before the whole request body arrived.
    BrokenBody,
    /// The request has no `host` header, more than one, or an invalid one.
    BadHost,
    /// The request target is neither a path nor an HTTP URL.
    BadTarget,
    /// The header `connection` names an end-to-end header.
    BadConnection,
    /// The length of the request's body is ambiguous.
    BadFraming,
    /// The head of the request is not valid HTTP/1.1.
    BadHead,
    /// The head of the request is larger than the host's limit.
    HeadTooLarge,
    /// The request target is longer than the host's limit.
    TargetTooLong,
    /// The host does not support the method.
    NotSupported,
}

#[cfg(test)]
mod tests {
    use fal_health::protocol;

    use super::*;

    #[test]
    fn the_document_lists_every_error_type_of_the_host_s38f() {
        let schema = schemars::schema_for!(HostErrorType).to_value();
        let documented: Vec<_> =
            schema["oneOf"].as_array().unwrap().iter().map(|one| one["const"].as_str().unwrap()).collect();
        assert_eq!(documented, protocol::HostErrorType::ALL.map(protocol::HostErrorType::as_str));
    }
}
