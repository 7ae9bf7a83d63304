//! Bytes of any media type.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

/// Bytes of any media type: an image, audio, a document.
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

/// The media type of bytes by default.
pub(super) const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

impl Binary {
    /// An answer of these bytes. The media type is `application/octet-stream` unless
    /// [`content_type`](Self::content_type) sets another.
    pub fn new(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self { bytes: Bytes::from_owner(bytes), content_type: OCTETS }
    }

    /// Sets the media type, for example `image/png`.
    ///
    /// # Panics
    ///
    /// If the text is no valid header value, for example because of a control character.
    #[must_use]
    pub fn content_type(mut self, media_type: &'static str) -> Self {
        self.content_type = HeaderValue::from_static(media_type);
        self
    }

    pub(super) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.bytes));
        response.headers_mut().insert(CONTENT_TYPE, self.content_type);
        response
    }
}
