//! CORS of the host's own responses: its errors, and preflight requests.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::Full;

const ANY: HeaderValue = HeaderValue::from_static("*");
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// The origins of web pages that may call the app.
#[derive(Clone, Debug, Default)]
pub(crate) enum Origins {
    #[default]
    None,
    Any,
    Only(Vec<HeaderValue>),
}

impl Origins {
    /// Parses a list of origins. `*` is every origin. Invalid header values are dropped: no page has them.
    pub(crate) fn new(origins: &[String]) -> Self {
        if origins.is_empty() {
            Self::None
        } else if origins.iter().any(|origin| origin == "*") {
            Self::Any
        } else {
            Self::Only(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect())
        }
    }

    /// The pages that may read the response to a request with these headers.
    pub(super) fn reader(&self, headers: &HeaderMap) -> AllowedReader {
        match self {
            Self::None => AllowedReader::None,
            Self::Any => AllowedReader::Any,
            Self::Only(origins) => {
                let origin = headers.get(ORIGIN).filter(|origin| origins.contains(origin));
                origin.map_or(AllowedReader::Other, |origin| AllowedReader::Origin(origin.clone()))
            }
        }
    }
}

/// The pages that may read a response.
#[derive(Debug)]
pub(super) enum AllowedReader {
    /// None, whatever the request.
    None,
    /// Pages of every origin.
    Any,
    /// Pages of the request's origin.
    Origin(HeaderValue),
    /// Not the page that asks: its origin is not allowed.
    Other,
}

impl AllowedReader {
    /// Adds the CORS headers to a response of the host's own.
    pub(super) fn add_headers(self, answer: &mut HeaderMap) {
        match self {
            // Without `vary`: the response is the same for every origin.
            Self::None => {}
            Self::Any => {
                answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
                answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, ANY);
            }
            Self::Origin(origin) => {
                answer.insert(VARY, HeaderValue::from_static("origin"));
                answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
            }
            Self::Other => {
                answer.insert(VARY, HeaderValue::from_static("origin"));
            }
        }
    }

    /// The response to the preflight of a page that may call the app: what an app of `#[app(cors)]` answers, for every
    /// path. It needs no runner.
    pub(super) fn preflight<B>(&self, request: &Request<B>) -> Option<Response<Full<Bytes>>> {
        let asked = request.headers();
        if request.method() != Method::OPTIONS || !asked.contains_key(ORIGIN) {
            return None;
        }
        let method = asked.get(ACCESS_CONTROL_REQUEST_METHOD)?;
        let mut response = Response::new(Full::default());
        let answer = response.headers_mut();
        match self {
            Self::None | Self::Other => return None,
            Self::Any => {
                answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
                answer.insert(ACCESS_CONTROL_ALLOW_METHODS, ANY);
                answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, ANY);
            }
            Self::Origin(origin) => {
                let vary = "origin, access-control-request-method, access-control-request-headers";
                answer.insert(VARY, HeaderValue::from_static(vary));
                answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
                answer.insert(ACCESS_CONTROL_ALLOW_METHODS, method.clone());
                if let Some(headers) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
                    answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, headers.clone());
                }
            }
        }
        answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        Some(response)
    }
}
