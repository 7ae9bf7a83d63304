//! Bodies that are not JSON: text, and a stream of bytes.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::sync::Mutex;

use crate::error::Result;
use crate::validation::body::{too_large, unreadable};

/// A body of plain text. Its media type is `text/…`, its charset UTF-8.
///
/// A `String` argument is a JSON string instead. Another media type or charset is answered with status 415, text that is not UTF-8
/// with 400. Without a body the text is empty. The limit is the endpoint's `body_limit`.
///
/// ```
/// use fal_runtime::extract::Text;
/// use fal_runtime::prelude::*;
///
/// #[derive(Default)]
/// struct WordCount;
///
/// #[app]
/// impl WordCount {
///     /// `curl --data-binary @book.txt -H 'content-type: text/plain' localhost:8080/words`
///     #[endpoint("/words")]
///     async fn words(&self, Text(book): Text) -> usize {
///         book.split_whitespace().count()
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(pub String);

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A body of any media type that is read while the endpoint runs, for data that should not be in memory at once.
///
/// The limit is the endpoint's `body_limit`. The rest of a body that the endpoint does not read is discarded after its end. To have
/// the whole body in memory, take [`Bytes`] instead; a blocking endpoint does so, too.
///
/// ```
/// use fal_runtime::extract::BodyStream;
/// use fal_runtime::prelude::*;
///
/// #[derive(Default)]
/// struct Store;
///
/// #[app]
/// impl Store {
///     #[endpoint("/size", body_limit = 1_000_000_000)]
///     async fn size(&self, mut body: BodyStream) -> Result<usize> {
///         let mut size = 0;
///         while let Some(chunk) = body.chunk().await? {
///             size += chunk.len();
///         }
///         Ok(size)
///     }
/// }
/// # fn main() {}
/// ```
pub struct BodyStream {
    body: SharedBody,
    /// How many bytes may still be read.
    left: usize,
    limit: usize,
}

/// The body of a request. What an endpoint leaves of it is discarded after the call.
pub(crate) type SharedBody = Arc<Mutex<Body>>;

impl BodyStream {
    pub(crate) fn new(body: SharedBody, limit: usize) -> Self {
        Self { body, left: limit, limit }
    }

    /// The next part of the body, of any size. `None` at its end.
    ///
    /// It is an error with status 413 if the body is larger than the endpoint accepts, and with 400 if the client ends it early.
    /// Dropping the future loses no data.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let mut body = self.body.lock().await;
        while let Some(frame) = body.frame().await {
            // Trailers are no data.
            let Ok(chunk) = frame.map_err(unreadable)?.into_data() else { continue };
            self.left = self.left.checked_sub(chunk.len()).ok_or_else(|| too_large(self.limit))?;
            if !chunk.is_empty() {
                return Ok(Some(chunk));
            }
        }
        Ok(None)
    }
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyStream").field("left", &self.left).finish_non_exhaustive()
    }
}
