use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::FromRequestParts;
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::{Call, SchemaOf, rejection};
use crate::Error;
use crate::extract::RequestContext;

/// What an endpoint may take besides `&self` and the response's head: the JSON body, or anything that axum can take
/// from a request's head.
///
/// The type decides. `M` only keeps the two ways apart and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of an endpoint",
    label = "neither a JSON body nor an extractor that is `Send`",
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

#[diagnostic::do_not_recommend]
impl HeadArgument for RequestContext {}

/// Where an argument is taken from.
#[derive(Clone, Copy, Debug)]
pub enum Taken {
    /// The JSON body, which has this schema.
    Body(SchemaOf),
    /// The request's head, or what the runner knows of the request.
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

/// Marks what the runner itself knows of a request.
#[derive(Debug)]
pub enum FromCall {}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Argument<FromBody> for T {
    const TAKEN: Taken = Taken::Body(SchemaOf::of::<T>());

    fn take<'a>(call: &'a mut Call<'_>) -> Taking<'a, Self> {
        let input = match T::deserialize(&mut call.reader) {
            Ok(input) => match call.check(&input) {
                None => Ok(input),
                Some(error) => Err(error),
            },
            Err(fault) => Err(call.mistaken(fault)),
        };
        Taking::Ready(Some(input))
    }
}

impl<T: FromRequestParts<()> + Send> Argument<FromHead> for T
where
    T::Rejection: 'static,
{
    const TAKEN: Taken = Taken::Head;

    fn take<'a>(call: &'a mut Call<'_>) -> Taking<'a, Self> {
        let path = call.endpoint.path();
        let head = &mut *call.request;
        Taking::Waiting(Box::pin(async move {
            let rejected = match T::from_request_parts(head, &()).await {
                Ok(taken) => return Ok(taken),
                Err(rejection) => {
                    rejection::known(&rejection, path, head).ok_or_else(|| rejection.into_response())
                }
            };
            Err(rejection::explain(rejected).await)
        }))
    }
}

#[diagnostic::do_not_recommend]
impl Argument<FromCall> for RequestContext {
    const TAKEN: Taken = Taken::Head;

    fn take<'a>(call: &'a mut Call<'_>) -> Taking<'a, Self> {
        Taking::Ready(Some(Ok(call.context())))
    }
}
