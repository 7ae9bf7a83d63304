//! Arguments that are a body of another kind than JSON.

use bytes::Bytes;
use http::StatusCode;

use super::argument::{Argument, ArgumentSource, BodyKind, Extracting};
use super::call::CallContext;
use super::payload::Payload;
use super::rules::Rules;
use crate::error::{Error, Result};
use crate::extract::{BodyStream, Text};

/// Marks arguments that are a body of another kind than JSON.
#[derive(Debug)]
pub enum FromRawBody {}

impl CallContext<'_> {
    fn stream(&mut self) -> Result<BodyStream> {
        match std::mem::replace(&mut self.payload, Payload::None) {
            Payload::Stream(stream) => Ok(stream),
            // The macro declares that the endpoint takes it.
            Payload::Read(_) | Payload::None => Err(Error::msg("the endpoint takes no stream")),
        }
    }

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

    fn extract<'a, 'c, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Extracting<'a, 'c, Self> {
        Extracting::Read(call, |call| Ok(call.payload()))
    }
}

#[diagnostic::do_not_recommend]
impl Argument<FromRawBody> for Text {
    const SOURCE: ArgumentSource = ArgumentSource::Body(BodyKind::Text);

    fn extract<'a, 'c, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Extracting<'a, 'c, Self> {
        Extracting::Read(call, |call| text(call.payload()))
    }
}

#[diagnostic::do_not_recommend]
impl Argument<FromRawBody> for BodyStream {
    const SOURCE: ArgumentSource = ArgumentSource::Body(BodyKind::Stream);

    fn extract<'a, 'c, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Extracting<'a, 'c, Self> {
        Extracting::Read(call, CallContext::stream)
    }
}

#[cfg(feature = "multipart")]
#[diagnostic::do_not_recommend]
impl Argument<FromRawBody> for crate::extract::Multipart {
    const SOURCE: ArgumentSource = ArgumentSource::Body(BodyKind::Form);

    fn extract<'a, 'c, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Extracting<'a, 'c, Self> {
        Extracting::Read(call, |call| {
            let stream = call.stream()?;
            Self::new(&call.request.headers, stream)
        })
    }
}

fn text(bytes: Bytes) -> Result<Text> {
    let text = String::from_utf8(bytes.into()).map_err(|error| {
        let invalid = format!("the text is not UTF-8: {}", error.utf8_error());
        Error::new(StatusCode::BAD_REQUEST, invalid)
    })?;
    Ok(Text(text))
}
