//! Which web pages of other origins may call an app.

use std::fmt;
use std::time::Duration;

use axum::Router;
use http::HeaderValue;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use crate::server::CatchPanicLayer;

/// How long browsers may cache the answer to a preflight request: the longest time that every browser accepts
/// (`WebKit` caches no longer).
const MAX_AGE: Duration = Duration::from_secs(600);

/// The CORS policy of an app: which web pages of other origins may call it. The option `cors` of `#[app]` sets it.
///
/// Without it, no page may. A host answers preflight requests itself, without a runner; browsers cache the answer
/// for 10 minutes. Pages can read errors, too, including those of the host.
///
/// ```
/// use fal_runtime::Cors;
/// use fal_runtime::prelude::*;
///
/// #[derive(Default)]
/// struct Inside;
///
/// #[app(cors = Cors::only(&["https://app.example.com"]))]
/// impl Inside {
///     #[endpoint("/")]
///     async fn greet(&self) -> &'static str {
///         "hello"
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy)]
pub struct Cors {
    origins: Origins,
    /// [`around`]. The pointer keeps the code out of programs that make no `Cors`.
    around: fn(Origins, Router) -> Router,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origins {
    Any,
    Only(&'static [&'static str]),
}

impl Cors {
    /// Allows every page, with any method and headers, to call and to read all response headers. A bare `cors`
    /// means this. Browsers send such requests without cookies.
    pub const fn any() -> Self {
        Self { origins: Origins::Any, around }
    }

    /// Allows pages of these origins, also with cookies. An origin is `scheme://host` or `scheme://host:port`.
    ///
    /// # Panics
    ///
    /// If a text is no origin, for example because it has no scheme or has a path. In a const context that is a
    /// compile error.
    #[track_caller]
    pub const fn only(origins: &'static [&'static str]) -> Self {
        let mut rest = origins;
        while let [origin, others @ ..] = rest {
            assert!(
                is_origin(origin.as_bytes()),
                "an origin is written `https://host` or `https://host:port`"
            );
            rest = others;
        }
        Self { origins: Origins::Only(origins), around }
    }

    /// The origins, as in the header `origin`. `*` means any.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "the command line and the host read it"))]
    pub(crate) const fn origins(self) -> &'static [&'static str] {
        match self.origins {
            Origins::Any => &["*"],
            Origins::Only(origins) => origins,
        }
    }

    /// Adds the CORS layer to a router.
    pub(crate) fn around(self, router: Router) -> Router {
        (self.around)(self.origins, router)
    }
}

impl PartialEq for Cors {
    fn eq(&self, other: &Self) -> bool {
        self.origins == other.origins
    }
}

impl Eq for Cors {}

impl fmt::Debug for Cors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cors").field(&self.origins).finish()
    }
}

fn around(origins: Origins, router: Router) -> Router {
    let cors = match origins {
        Origins::Any => CorsLayer::permissive(),
        Origins::Only(origins) => {
            // An origin is always a valid header value.
            let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
            CorsLayer::new()
                .allow_origin(AllowOrigin::list(origins))
                .allow_credentials(true)
                .allow_methods(AllowMethods::mirror_request())
                .allow_headers(AllowHeaders::mirror_request())
        }
    };
    // So that pages can read the error of a panic in a layer.
    router.layer((cors.max_age(MAX_AGE), CatchPanicLayer))
}

/// Whether a text is a scheme, `://` and a host, and nothing else.
const fn is_origin(text: &[u8]) -> bool {
    let mut rest = text;
    let mut has_scheme = false;
    let mut length = 0;
    loop {
        rest = match rest {
            [] => return has_scheme && length > 0,
            [b':', b'/', b'/', after @ ..] if !has_scheme && length > 0 => {
                has_scheme = true;
                length = 0;
                after
            }
            [b'/' | b'?' | b'#' | b'*' | b'@', ..] => return false,
            [letter, after @ ..] if letter.is_ascii_graphic() => {
                length += 1;
                after
            }
            _ => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for origin in ["https://app.example.com", "http://localhost:3000", "https://[::1]:8080"] {
            assert!(is_origin(origin.as_bytes()), "{origin}");
        }
        for other in
            ["", "*", "app.example.com", "https://", "://host", "https://host/", "https://a b", "https://ü"]
        {
            assert!(!is_origin(other.as_bytes()), "{other}");
        }
    }
}
