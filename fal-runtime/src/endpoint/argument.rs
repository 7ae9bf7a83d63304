use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::{Call, SchemaOf, json};
use crate::Error;

/// What an endpoint may take besides `&self` and the response's head: the JSON body, or anything that axum can take
/// from a request's head.
///
/// The type decides. `M` only keeps the two ways apart and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of an endpoint",
    label = "neither a JSON body nor an extractor",
    note = "a JSON body has both derives: `#[derive(Deserialize, JsonSchema)]`",
    note = "everything else is taken from the head of the request: axum's `FromRequestParts`"
)]
pub trait Argument<M>: Sized + Send {
    /// Where it is taken from.
    const TAKEN: Taken;

    /// Takes it from the request.
    fn take<'a>(call: &'a mut Call<'_>) -> Taking<'a, Self>;
}

/// What a health check may take: it is asked with an empty body.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a health check",
    label = "a health check is asked with an empty body: take this argument away"
)]
pub trait HeadArgument {}

#[diagnostic::do_not_recommend]
impl<T: FromRequestParts<()>> HeadArgument for T {}

/// Where an argument is taken from.
#[derive(Clone, Copy, Debug)]
pub enum Taken {
    /// The JSON body, which has this schema.
    Body(SchemaOf),
    /// The request's head. The OpenAPI document does not say what.
    Head,
}

/// An argument that is being taken. A type of its own rather than whatever future an argument has: a bound that does
/// not hold is then reported once.
#[expect(missing_debug_implementations, reason = "it holds a future")]
pub enum Taking<'a, T> {
    /// From the body, which has been read before: only the parsing is compiled once for each type.
    Ready(Option<Result<T, Error>>),
    /// From the head, by axum.
    Waiting(Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>),
}

impl<T> Unpin for Taking<'_, T> {}

impl<T> Future for Taking<'_, T> {
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Ready(taken) => match taken.take() {
                Some(taken) => Poll::Ready(taken),
                None => Poll::Pending,
            },
            Self::Waiting(taking) => taking.as_mut().poll(context),
        }
    }
}

/// Marks what is taken from the body.
#[derive(Debug)]
pub enum FromBody {}

/// Marks what is taken from the head.
#[derive(Debug)]
pub enum FromHead {}

impl<T: DeserializeOwned + JsonSchema + Send> Argument<FromBody> for T {
    const TAKEN: Taken = Taken::Body(SchemaOf::of::<T>());

    fn take<'a>(call: &'a mut Call<'_>) -> Taking<'a, Self> {
        Taking::Ready(Some(json::parse(&call.body)))
    }
}

impl<T: FromRequestParts<()> + Send> Argument<FromHead> for T {
    const TAKEN: Taken = Taken::Head;

    fn take<'a>(call: &'a mut Call<'_>) -> Taking<'a, Self> {
        let head = &mut *call.request;
        Taking::Waiting(Box::pin(async {
            let taken = T::from_request_parts(head, &()).await;
            match taken.map_err(IntoResponse::into_response) {
                Ok(taken) => Ok(taken),
                Err(rejection) => Err(rejected(rejection).await),
            }
        }))
    }
}

/// A rejection speaks as a response. Its status and its text are kept, in the one form of failures.
async fn rejected(response: Response) -> Error {
    const LONGEST: usize = 4096;
    let status = response.status();
    let status = if status.is_success() { StatusCode::BAD_REQUEST } else { status };
    let text = axum::body::to_bytes(response.into_body(), LONGEST).await.unwrap_or_default();
    match String::from_utf8_lossy(&text).trim() {
        "" => Error::msg("an extractor rejected the request").status(status),
        text => Error::new(status, text.to_owned()),
    }
}
