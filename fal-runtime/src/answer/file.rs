//! Files, sent while they are read.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, ReadBuf};

use super::binary::OCTETS;
use super::reply::{Answer, AsItIs, Content, Reply};
use crate::error::Error;

/// A file, streamed from the disk while the client reads. The response has a `content-length`.
///
/// The length is taken when the file is opened. Bytes appended later are not sent. If the file becomes shorter, the
/// connection ends early, so that the client notices.
///
/// It is sent whole, without ranges and validators. An endpoint that takes [`Parts`](crate::extract::Parts) and passes
/// them to `tower_http::services::ServeFile` has both.
///
/// ```
/// use fal_runtime::answer::File;
/// use fal_runtime::prelude::*;
///
/// #[derive(Default)]
/// struct Reports;
///
/// #[app]
/// impl Reports {
///     #[endpoint("/latest")]
///     async fn latest(&self) -> Result<File> {
///         let report = File::open("/var/lib/reports/latest.pdf").await.status(StatusCode::NOT_FOUND)?;
///         Ok(report.content_type("application/pdf"))
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct File {
    opened: tokio::fs::File,
    length: u64,
    content_type: HeaderValue,
}

impl File {
    /// Opens a file. Its media type is `application/octet-stream` unless [`content_type`](Self::content_type) sets
    /// another. It is an error if the path is no regular file, for example a directory.
    pub async fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = tokio::fs::File::open(path).await?;
        let metadata = file.metadata().await?;
        Self::new(file, &metadata)
    }

    /// Sends an open file, from its current position to its end. It may block, so call it in blocking endpoints.
    pub fn from_std(mut file: std::fs::File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let behind = io::Seek::stream_position(&mut file)?;
        let mut sent = Self::new(tokio::fs::File::from_std(file), &metadata)?;
        sent.length = sent.length.saturating_sub(behind);
        Ok(sent)
    }

    fn new(opened: tokio::fs::File, metadata: &std::fs::Metadata) -> io::Result<Self> {
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Self { opened, length: metadata.len(), content_type: OCTETS })
    }

    /// The number of bytes to send.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Sets the media type, for example `application/pdf`.
    ///
    /// # Panics
    ///
    /// If the text is no valid header value, for example because of a control character.
    #[must_use]
    pub fn content_type(mut self, media_type: &'static str) -> Self {
        self.content_type = HeaderValue::from_static(media_type);
        self
    }
}

#[diagnostic::do_not_recommend]
impl Answer<AsItIs> for File {
    const CONTENT: Content = Content::Bytes;

    fn reply(self) -> Result<Reply, Error> {
        let rest = FileBody { file: self.opened, length: self.length, buffer: BytesMut::new() };
        let mut response = Response::new(Body::new(rest));
        response.headers_mut().insert(CONTENT_TYPE, self.content_type);
        response.headers_mut().insert(CONTENT_LENGTH, self.length.into());
        Ok(Reply::Raw(Box::new(response)))
    }
}

/// The body: the rest of a file.
struct FileBody {
    file: tokio::fs::File,
    length: u64,
    buffer: BytesMut,
}

/// The number of bytes that are read at a time.
const CHUNK_SIZE: usize = 64 * 1024;

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Self { file, length, buffer } = self.get_mut();
        let wanted = usize::try_from(*length).unwrap_or(CHUNK_SIZE).min(CHUNK_SIZE);
        if wanted == 0 {
            return Poll::Ready(None);
        }
        buffer.resize(wanted, 0);
        let mut read = ReadBuf::new(buffer);
        ready!(Pin::new(file).poll_read(context, &mut read))?;
        let filled = read.filled().len();
        if filled == 0 {
            let error =
                io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was sent");
            return Poll::Ready(Some(Err(error)));
        }
        *length -= u64::try_from(filled).unwrap_or(*length);
        Poll::Ready(Some(Ok(Frame::data(buffer.split_to(filled).freeze()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
