//! A body of form data, read part by part.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, StatusCode};

use super::body::BodyStream;
use crate::error::{Error, Result};
use crate::validation::body::unreadable;

/// A body of form data (`multipart/form-data`), as browsers send files. Its parts are read in their order while the endpoint runs.
///
/// The limit is the endpoint's `body_limit`, for all parts together. The rest of a body that the endpoint does not read is discarded
/// after its end. Another media type is answered with status 415, malformed form data with 400. Needs the feature `multipart`.
///
/// ```
/// use fal_runtime::extract::Multipart;
/// use fal_runtime::prelude::*;
///
/// #[derive(Default)]
/// struct Images;
///
/// #[app]
/// impl Images {
///     /// `curl -F image=@cat.png localhost:8080/sizes`
///     #[endpoint("/sizes", body_limit = 50_000_000)]
///     async fn sizes(&self, mut form: Multipart) -> Result<Vec<usize>> {
///         let mut sizes = Vec::new();
///         while let Some(part) = form.next_part().await? {
///             sizes.push(part.bytes().await?.len());
///         }
///         Ok(sizes)
///     }
/// }
/// # fn main() {}
/// ```
pub struct Multipart(multer::Multipart<'static>);

/// One part of a [`Multipart`] body: a field of the form, or a file.
pub struct FormPart<'a> {
    field: multer::Field<'static>,
    /// The next part can be read when this one is dropped.
    form: PhantomData<&'a mut Multipart>,
}

/// The body could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unread(Error);

impl Multipart {
    /// It is an error with status 400 if the content type has no boundary.
    pub(crate) fn new(headers: &HeaderMap, body: BodyStream) -> Result<Self> {
        let content_type = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary = multer::parse_boundary(content_type.unwrap_or_default()).map_err(into_error)?;
        let chunks = stream::unfold(body, async |mut body| {
            let chunk = body.chunk().await.map_err(Unread).transpose()?;
            Some((chunk, body))
        });
        Ok(Self(multer::Multipart::new(chunks, boundary)))
    }

    /// The next part. `None` after the last one. What is left of the part before it is skipped.
    ///
    /// It is an error with status 413 if the body is larger than the endpoint accepts, and with 400 if it is malformed or ends
    /// early.
    pub async fn next_part(&mut self) -> Result<Option<FormPart<'_>>> {
        let field = self.0.next_field().await.map_err(into_error)?;
        Ok(field.map(|field| FormPart { field, form: PhantomData }))
    }
}

impl FormPart<'_> {
    /// The name of the field.
    pub fn name(&self) -> Option<&str> {
        self.field.name()
    }

    /// The name of the file on the client, which may be any text: never use it as a path.
    pub fn file_name(&self) -> Option<&str> {
        self.field.file_name()
    }

    /// The media type that the client names.
    pub fn content_type(&self) -> Option<&str> {
        self.field.content_type().map(AsRef::as_ref)
    }

    /// The headers of the part.
    pub fn headers(&self) -> &HeaderMap {
        self.field.headers()
    }

    /// The whole part in memory.
    pub async fn bytes(self) -> Result<Bytes> {
        self.field.bytes().await.map_err(into_error)
    }

    /// The whole part as text. It is an error with status 400 if the text is not UTF-8.
    pub async fn text(self) -> Result<String> {
        let text = String::from_utf8(self.bytes().await?.into());
        text.map_err(|error| malformed(format!("a text is not UTF-8: {}", error.utf8_error())))
    }

    /// The next piece of the part, of any size. `None` at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.field.chunk().await.map_err(into_error)
    }
}

fn into_error(error: multer::Error) -> Error {
    match error {
        multer::Error::StreamReadFailed(source) => match source.downcast::<Unread>() {
            Ok(unread) => unread.0,
            Err(source) => unreadable(source),
        },
        error => malformed(error),
    }
}

fn malformed(why: impl fmt::Display) -> Error {
    Error::new(StatusCode::BAD_REQUEST, format!("the form data is malformed: {why}"))
}

impl fmt::Debug for Multipart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Multipart").finish_non_exhaustive()
    }
}

impl fmt::Debug for FormPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormPart").field("name", &self.name()).finish_non_exhaustive()
    }
}
