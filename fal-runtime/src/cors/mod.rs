//! Which web pages of other origins may call an app.

#[cfg(feature = "cors")]
mod layer;
mod origins;

use std::fmt;

use axum::Router;

use self::origins::{Origins, mistake};

/// The CORS policy of an app: which web pages of other origins may call it. The option `cors` of `#[app]` sets it.
///
/// Without it, no page may. A host answers preflight requests itself, without a runner; browsers cache the answer
/// for 10 minutes. Pages can read errors, too, including those of the host. Needs the feature `cors`, which is on by
/// default.
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
    around: Layer,
}

/// The pointer keeps the code out of programs that make no `Cors`.
type Layer = fn(Origins, Router) -> Router;

impl Cors {
    /// Allows every page, with any method and headers, to call and to read all response headers. A bare `cors`
    /// means this. Browsers send such requests without cookies.
    ///
    /// # Panics
    ///
    /// Without the feature `cors`. In a const context that is a compile error.
    #[track_caller]
    pub const fn any() -> Self {
        Self { origins: Origins::Any, around: layer() }
    }

    /// Allows pages of these origins, also with cookies. An origin is `scheme://host` or `scheme://host:port`, as browsers send it:
    /// in lower case and without the default port of its scheme.
    ///
    /// # Panics
    ///
    /// If a text is no such origin, for example because it has no scheme or has a path, and without the feature `cors`.
    /// In a const context that is a compile error.
    #[expect(clippy::panic, reason = "a compile error where declarations are checked")]
    #[track_caller]
    pub const fn only(origins: &'static [&'static str]) -> Self {
        let mut rest = origins;
        while let [origin, others @ ..] = rest {
            if let Some(mistake) = mistake(origin.as_bytes()) {
                panic!("{}", mistake);
            }
            rest = others;
        }
        Self { origins: Origins::Only(origins), around: layer() }
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

/// The function that adds the layer.
#[cfg(feature = "cors")]
const fn layer() -> Layer {
    layer::around
}

#[cfg(not(feature = "cors"))]
#[expect(clippy::panic, reason = "a compile error where declarations are checked")]
#[track_caller]
const fn layer() -> Layer {
    panic!("the option `cors` needs the feature `cors` of fal-runtime: add it to `features` in Cargo.toml")
}
