//! What every check of an app calls.

use std::fmt;

use fal_health::protocol::{header, request_id};
use fal_health::{HealthCheckSpec, Trigger};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

/// The headers that frame a check, which only the host sets.
const RESERVED: [HeaderName; 5] = [CONNECTION, CONTENT_LENGTH, TE, TRANSFER_ENCODING, UPGRADE];

/// What every check of an app calls.
#[derive(Debug)]
pub(crate) struct ProbeTarget {
    method: Method,
    uri: Uri,
    /// What every check has, with `host`.
    headers: HeaderMap,
}

impl fmt::Display for ProbeTarget {
    /// The method and the path without the query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.uri.path())
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidProbeTarget {
    #[error(
        "invalid health check `{method} {path}`: expected an HTTP method and a path that begins with `/`; write, for \
         example, `POST /health`"
    )]
    Call { method: String, path: String },
    #[error(
        "invalid header of the health check `{name}: {value}`: expected a name that the host does not set itself, and \
         a value of visible ASCII characters; write, for example, `host: app.example.com`"
    )]
    Header { name: String, value: String },
}

impl ProbeTarget {
    pub(crate) fn new(spec: &HealthCheckSpec) -> Result<Self, InvalidProbeTarget> {
        let invalid =
            || InvalidProbeTarget::Call { method: spec.method.to_string(), path: spec.path.to_string() };
        let method = Method::from_bytes(spec.method.as_bytes()).map_err(|_| invalid())?;
        let uri = spec.path.starts_with('/').then(|| spec.path.parse().ok()).flatten().ok_or_else(invalid)?;
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("localhost"))]);
        Ok(Self { method, uri, headers })
    }

    /// Adds headers to every check. `host` replaces the default.
    pub(crate) fn with_headers(mut self, headers: &[(String, String)]) -> Result<Self, InvalidProbeTarget> {
        for (name, value) in headers {
            let invalid = || InvalidProbeTarget::Header { name: name.clone(), value: value.clone() };
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
            let value = HeaderValue::from_str(value).map_err(|_| invalid())?;
            if RESERVED.contains(&name) || name.as_str().starts_with("x-fal-") {
                return Err(invalid());
            }
            if name == HOST {
                self.headers.insert(name, value);
            } else {
                self.headers.append(name, value);
            }
        }
        Ok(self)
    }

    /// Whether the response has no body because of the method.
    pub(super) fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }

    /// Encodes the request of one check (S16).
    pub(super) fn encode(&self, trigger: Trigger) -> Vec<u8> {
        let path = self.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let mut request = Vec::with_capacity(256);
        for part in [self.method.as_str(), " ", path, " HTTP/1.1\r\n"] {
            request.extend_from_slice(part.as_bytes());
        }
        let id = request_id::new();
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let manual = (trigger == Trigger::Manual).then_some((header::HEALTH_CHECK, &b"true"[..]));
        for (name, value) in own.chain([(header::REQUEST_ID, &id[..])]).chain(manual) {
            for part in [name.as_bytes(), b": ", value, b"\r\n"] {
                request.extend_from_slice(part);
            }
        }
        request.extend_from_slice(b"\r\n");
        request
    }
}
