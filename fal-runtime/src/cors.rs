//! Which web pages of other origins may call an app.

use std::fmt;
use std::time::Duration;

use axum::Router;
use http::HeaderValue;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use crate::server::CatchPanicLayer;

/// How long a browser may go by the answer to a preflight: as long as every browser does (`WebKit` goes by none for
/// longer). Whom an app no longer admits is then told so at the latest.
const MAX_AGE: Duration = Duration::from_secs(600);

/// Which web pages of other origins may call an app from a browser: the option `cors` of `#[app]`.
///
/// Without it none may. Preflight requests are answered, and an answer holds for 10 minutes, so that a browser does not
/// ask before every call; a host answers them itself, without a runner. Errors can be read as well as answers, those of a
/// host and of a layer's panic, too.
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
    /// [`around`]. Behind a pointer, it is part of those programs only that make a `Cors`.
    around: fn(Origins, Router) -> Router,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origins {
    Any,
    Only(&'static [&'static str]),
}

impl Cors {
    /// Every page may, with any method and any headers, and read every header of the response: what a bare `cors`
    /// means. Browsers send such requests without cookies.
    pub const fn any() -> Self {
        Self { origins: Origins::Any, around }
    }

    /// Pages of these origins may, with cookies, too. An origin is `scheme://host`, or `scheme://host:port`.
    ///
    /// # Panics
    ///
    /// On a text that is no origin: without a scheme, or with a path; in a const context that is a compile error.
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

    /// The origins, as a browser's header gives them: `*` is any.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "the command line and the host read it"))]
    pub(crate) const fn origins(self) -> &'static [&'static str] {
        match self.origins {
            Origins::Any => &["*"],
            Origins::Only(origins) => origins,
        }
    }

    /// Puts it around a router.
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
            // Those that are origins can be a header's value.
            let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
            CorsLayer::new()
                .allow_origin(AllowOrigin::list(origins))
                .allow_credentials(true)
                .allow_methods(AllowMethods::mirror_request())
                .allow_headers(AllowHeaders::mirror_request())
        }
    };
    // They read that a layer has panicked, too.
    router.layer((cors.max_age(MAX_AGE), CatchPanicLayer))
}

/// Whether it is a scheme, `://`, and a host without anything after it.
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
