//! Bytes of any media type.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::reply::{Answer, AsItIs, Content, Reply};
use crate::error::Error;

/// Bytes as they are: an image, a sound, a document.
///
/// ```
/// use fal_runtime::answer::Binary;
/// use fal_runtime::prelude::*;
///
/// #[derive(Default)]
/// struct Dots;
///
/// #[app]
/// impl Dots {
///     #[endpoint("/")]
///     async fn dot(&self) -> Binary {
///         Binary::new(*b"<svg xmlns='http://www.w3.org/2000/svg'/>").content_type("image/svg+xml")
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct Binary {
    bytes: Bytes,
    content_type: HeaderValue,
}

/// What bytes are as long as nobody says more.
pub(super) const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

impl Binary {
    /// These bytes, as `application/octet-stream` until told otherwise.
    pub fn new(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self { bytes: Bytes::from_owner(bytes), content_type: OCTETS }
    }

    /// Says what the bytes are: a media type, `image/png`.
    ///
    /// # Panics
    ///
    /// On a text that no header can have: control characters.
    #[must_use]
    pub fn content_type(mut self, media_type: &'static str) -> Self {
        self.content_type = HeaderValue::from_static(media_type);
        self
    }
}

#[diagnostic::do_not_recommend]
impl Answer<AsItIs> for Binary {
    const CONTENT: Content = Content::Bytes;

    fn reply(self) -> Result<Reply, Error> {
        let mut response = Response::new(Body::from(self.bytes));
        response.headers_mut().insert(CONTENT_TYPE, self.content_type);
        Ok(Reply::Raw(Box::new(response)))
    }
}
