//! The body of a request, for the argument that takes it.

use bytes::Bytes;

use crate::extract::BodyStream;

/// The body of a request, as far as the endpoint's argument wants it to be read.
#[derive(Debug)]
pub(super) enum Payload {
    /// Read, for an endpoint that takes bytes or text.
    Read(Bytes),
    /// To be read by the endpoint.
    Stream(BodyStream),
    /// Taken by its argument, or of JSON, or not there.
    None,
}
