//! The body of a response that is a part of a file.

use std::io::{self, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};

/// The number of bytes that are read at a time.
const CHUNK_SIZE: usize = 64 * 1024;

/// A part of an open file, from its position.
pub(super) struct FileBody {
    file: File,
    /// The number of bytes to skip before the first read.
    skip: u64,
    /// Whether the skip has been started.
    is_seeking: bool,
    length: u64,
    buffer: BytesMut,
}

impl FileBody {
    /// `part` counts from the file's position.
    pub(super) fn new(file: File, part: Range<u64>) -> Self {
        let length = part.end.saturating_sub(part.start);
        Self { file, skip: part.start, is_seeking: false, length, buffer: BytesMut::new() }
    }

    fn poll_skip(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.skip == 0 {
            return Poll::Ready(Ok(()));
        }
        if !self.is_seeking {
            let skip = i64::try_from(self.skip).map_err(io::Error::other)?;
            Pin::new(&mut self.file).start_seek(SeekFrom::Current(skip))?;
            self.is_seeking = true;
        }
        ready!(Pin::new(&mut self.file).poll_complete(context))?;
        self.skip = 0;
        Poll::Ready(Ok(()))
    }
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let wanted = usize::try_from(self.length).unwrap_or(CHUNK_SIZE).min(CHUNK_SIZE);
        if wanted == 0 {
            return Poll::Ready(None);
        }
        ready!(self.poll_skip(context))?;
        let Self { file, length, buffer, .. } = self.get_mut();
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
