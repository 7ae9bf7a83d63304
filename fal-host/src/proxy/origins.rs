//! Web pages that may call the app, as far as the host answers them itself: the errors that no runner has seen, and
//! preflights.

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

/// The origins of such pages.
#[derive(Clone, Debug, Default)]
pub(crate) enum Origins {
    #[default]
    None,
    Any,
    Only(Vec<HeaderValue>),
}

impl Origins {
    /// `*` is every origin. What cannot be a header's value is no page's origin.
    pub(crate) fn new(origins: &[String]) -> Self {
        if origins.is_empty() {
            Self::None
        } else if origins.iter().any(|origin| origin == "*") {
            Self::Any
        } else {
            Self::Only(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect())
        }
    }

    /// Who may read the answer to a request with these headers.
    pub(super) fn reader(&self, headers: &HeaderMap) -> Reader {
        match self {
            Self::None => Reader::Nobody,
            Self::Any => Reader::Anybody,
            Self::Only(origins) => {
                let origin = headers.get(ORIGIN).filter(|origin| origins.contains(origin));
                origin.map_or(Reader::Another, |origin| Reader::This(origin.clone()))
            }
        }
    }
}

/// Whose pages may read an answer.
#[derive(Debug)]
pub(super) enum Reader {
    /// Nobody's, whoever asks.
    Nobody,
    /// Everybody's.
    Anybody,
    /// Those of the origin that asks.
    This(HeaderValue),
    /// Those of another origin than the one that asks.
    Another,
}

impl Reader {
    /// Says so in an answer of the host's own, as the runners do in theirs.
    pub(super) fn admit(self, answer: &mut HeaderMap) {
        match self {
            // Without `vary`: everybody gets the same.
            Self::Nobody => {}
            Self::Anybody => {
                answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
                answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, ANY);
            }
            Self::This(origin) => {
                answer.insert(VARY, HeaderValue::from_static("origin"));
                answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
            }
            Self::Another => {
                answer.insert(VARY, HeaderValue::from_static("origin"));
            }
        }
    }

    /// The answer to the preflight of a page that may call the app: what an app of `#[app(cors)]` answers, whatever the
    /// path. A browser takes no refusal for one, so a page could not read why; and it needs no runner.
    pub(super) fn preflight<B>(&self, request: &Request<B>) -> Option<Response<Full<Bytes>>> {
        let asked = request.headers();
        if request.method() != Method::OPTIONS || !asked.contains_key(ORIGIN) {
            return None;
        }
        let method = asked.get(ACCESS_CONTROL_REQUEST_METHOD)?;
        let mut response = Response::new(Full::default());
        let answer = response.headers_mut();
        match self {
            Self::Nobody | Self::Another => return None,
            Self::Anybody => {
                answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
                answer.insert(ACCESS_CONTROL_ALLOW_METHODS, ANY);
                answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, ANY);
            }
            Self::This(origin) => {
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
