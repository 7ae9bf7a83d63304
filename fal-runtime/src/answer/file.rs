//! Files, sent while they are read.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::binary::OCTETS;
use super::by_request::ByRequest;
use super::conditional::{Conditions, Selection};
use super::file_body::FileBody;
use super::head::ResponseHead;
use crate::error::failure;

/// A file, streamed from the disk while the client reads. The response has a `content-length`.
///
/// The length is taken when the file is opened. Bytes appended later are not sent. If the file becomes shorter, the
/// connection ends early, so that the client notices.
///
/// An endpoint with `method = GET` sends what the client asks for ([S110](fal_health::semantics#s110)): a part of the
/// file for `range`, and 304 if the client has the file already. The validators are `etag` and `last-modified`, made
/// from the file's length and the time of its last change. An `etag` that the endpoint sets in its
/// [`ResponseHead`] takes the place of the first.
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
///     #[endpoint("/latest", method = GET)]
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
    /// When it was changed, if it cannot change again at that second.
    changed: Option<SystemTime>,
}

/// A younger file may change again without another time of its last change, which is sent in whole seconds.
const MIN_AGE: Duration = Duration::from_secs(1);

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
        let changed = metadata.modified().ok();
        let changed = changed.filter(|changed| changed.elapsed().is_ok_and(|age| age >= MIN_AGE));
        Ok(Self { opened, length: metadata.len(), content_type: OCTETS, changed })
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

    fn add_validators(&self, headers: &mut HeaderMap) {
        let Some(changed) = self.changed else { return };
        if let Ok(date) = HeaderValue::try_from(httpdate::fmt_http_date(changed)) {
            headers.insert(LAST_MODIFIED, date);
        }
        let since_epoch = changed.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        if let Ok(etag) = HeaderValue::try_from(format!("\"{:x}-{:x}\"", since_epoch.as_nanos(), self.length))
        {
            headers.insert(ETAG, etag);
        }
    }
}

impl ByRequest for File {
    fn respond(self: Box<Self>, method: &Method, request: &HeaderMap, head: ResponseHead) -> Response {
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, self.content_type.clone());
        let mut selection = Selection::Whole;
        if matches!(*method, Method::GET | Method::HEAD) {
            headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            self.add_validators(headers);
            if head.status() == StatusCode::OK {
                let etag = head.headers().get(ETAG).or(headers.get(ETAG));
                let conditions = Conditions { request, etag, changed: self.changed, length: self.length };
                selection = conditions.select(method);
            }
        }
        match selection {
            Selection::Whole => {
                headers.insert(CONTENT_LENGTH, self.length.into());
                *response.body_mut() = Body::new(FileBody::new(self.opened, 0..self.length));
            }
            Selection::Part(part) => {
                let last = part.end.saturating_sub(1);
                add_content_range(headers, &format!("{}-{last}/{}", part.start, self.length));
                headers.insert(CONTENT_LENGTH, part.end.saturating_sub(part.start).into());
                *response.body_mut() = Body::new(FileBody::new(self.opened, part));
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            }
            Selection::NotModified => {
                headers.remove(CONTENT_TYPE);
                *response.status_mut() = StatusCode::NOT_MODIFIED;
            }
            Selection::PreconditionFailed => {
                let detail = "the file is not the one that the request expects";
                return refuse(StatusCode::PRECONDITION_FAILED, detail, head);
            }
            Selection::Unsatisfiable => {
                let detail = format!("the range begins after the file's {} bytes", self.length);
                let mut response = refuse(StatusCode::RANGE_NOT_SATISFIABLE, &detail, head);
                add_content_range(response.headers_mut(), &format!("*/{}", self.length));
                return response;
            }
        }
        head.apply(&mut response);
        response
    }
}

fn refuse(status: StatusCode, detail: &str, head: ResponseHead) -> Response {
    let mut response = failure(status, detail);
    head.apply_to_error(&mut response);
    response
}

/// Adds which bytes of the file are sent.
fn add_content_range(headers: &mut HeaderMap, range: &str) {
    if let Ok(range) = HeaderValue::try_from(format!("bytes {range}")) {
        headers.insert(CONTENT_RANGE, range);
    }
}
