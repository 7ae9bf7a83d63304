//! Redirects.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::Response;
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};

use super::reply::{Answer, AsItIs, Content, Reply};
use crate::error::{Context, Error};

/// A redirect of the client to another URL.
///
/// ```
/// use fal_runtime::answer::Redirect;
/// use fal_runtime::prelude::*;
///
/// #[derive(Default)]
/// struct Jobs;
///
/// #[app]
/// impl Jobs {
///     #[endpoint("/jobs")]
///     async fn submit(&self, name: String) -> Redirect {
///         Redirect::see(format!("/results/{name}"))
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct Redirect {
    status: StatusCode,
    location: Cow<'static, str>,
}

impl Redirect {
    /// Redirects to the result: the client gets it with GET (303).
    pub fn see(location: impl Into<Cow<'static, str>>) -> Self {
        Self { status: StatusCode::SEE_OTHER, location: location.into() }
    }

    /// Redirects this request: the client repeats it there, with the same body (307).
    pub fn temporary(location: impl Into<Cow<'static, str>>) -> Self {
        Self { status: StatusCode::TEMPORARY_REDIRECT, location: location.into() }
    }

    /// Redirects this and all later requests: the client repeats it there, with the same body (308).
    pub fn permanent(location: impl Into<Cow<'static, str>>) -> Self {
        Self { status: StatusCode::PERMANENT_REDIRECT, location: location.into() }
    }
}

#[diagnostic::do_not_recommend]
impl Answer<AsItIs> for Redirect {
    const CONTENT: Content = Content::Redirect(&[
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ]);

    /// It is an error if the location is no valid header value, for example because of a line break.
    fn reply(self) -> Result<Reply, Error> {
        let location = HeaderValue::try_from(&*self.location).context("invalid location of a redirect")?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.headers_mut().insert(LOCATION, location);
        Ok(Reply::Raw(Box::new(response)))
    }
}
