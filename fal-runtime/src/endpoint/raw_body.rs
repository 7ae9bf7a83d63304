//! Arguments that are a body of another kind than JSON.

use bytes::Bytes;
use http::StatusCode;

use super::argument::{Argument, ArgumentSource, BodyKind, Read};
use super::call::CallContext;
use super::payload::Payload;
use super::rules::Rules;
use crate::error::{Error, Result};
use crate::extract::{BodyStream, Text};

/// Marks arguments that are a body of another kind than JSON.
#[derive(Debug)]
pub enum FromRawBody {}

impl CallContext<'_> {
    fn payload(&mut self) -> Bytes {
        match std::mem::replace(&mut self.payload, Payload::None) {
            Payload::Read(bytes) => bytes,
            Payload::Stream(_) | Payload::None => Bytes::new(),
        }
    }
}

#[diagnostic::do_not_recommend]
impl Argument<FromRawBody> for Bytes {
    const SOURCE: ArgumentSource = ArgumentSource::Body(BodyKind::Bytes);

    type Extracting<'a, 'c: 'a> = Read<'a, 'c, Self>;

    fn extract<'a, 'c: 'a, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Read<'a, 'c, Self> {
        Read::new(call, |call| Ok(call.payload()))
    }
}

#[diagnostic::do_not_recommend]
impl Argument<FromRawBody> for Text {
    const SOURCE: ArgumentSource = ArgumentSource::Body(BodyKind::Text);

    type Extracting<'a, 'c: 'a> = Read<'a, 'c, Self>;

    fn extract<'a, 'c: 'a, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Read<'a, 'c, Self> {
        Read::new(call, |call| text(call.payload()))
    }
}

#[diagnostic::do_not_recommend]
impl Argument<FromRawBody> for BodyStream {
    const SOURCE: ArgumentSource = ArgumentSource::Body(BodyKind::Stream);

    type Extracting<'a, 'c: 'a> = Read<'a, 'c, Self>;

    fn extract<'a, 'c: 'a, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Read<'a, 'c, Self> {
        Read::new(call, stream)
    }
}

#[cfg(feature = "multipart")]
#[diagnostic::do_not_recommend]
impl Argument<FromRawBody> for crate::extract::Multipart {
    const SOURCE: ArgumentSource = ArgumentSource::Body(BodyKind::Form);

    type Extracting<'a, 'c: 'a> = Read<'a, 'c, Self>;

    fn extract<'a, 'c: 'a, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Read<'a, 'c, Self> {
        Read::new(call, |call| {
            let stream = stream(call)?;
            Self::new(&call.request.headers, stream)
        })
    }
}

fn stream(call: &mut CallContext<'_>) -> Result<BodyStream> {
    match std::mem::replace(&mut call.payload, Payload::None) {
        Payload::Stream(stream) => Ok(stream),
        // The macro declares that the endpoint takes it.
        Payload::Read(_) | Payload::None => Err(Error::msg("the endpoint takes no stream")),
    }
}

fn text(bytes: Bytes) -> Result<Text> {
    let text = String::from_utf8(bytes.into()).map_err(|error| {
        let invalid = format!("the text is not UTF-8: {}", error.utf8_error());
        Error::new(StatusCode::BAD_REQUEST, invalid)
    })?;
    Ok(Text(text))
}
