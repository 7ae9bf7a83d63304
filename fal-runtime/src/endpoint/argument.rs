//! The arguments of an endpoint: the JSON body, and extractors.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::FromRequestParts;
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::call::{Call, Erased};
use super::rules::Rules;
use crate::error::Error;
use crate::extract::RequestContext;
use crate::json::SchemaOf;
use crate::validation::rejection;

/// What an endpoint may take besides `&self` and the response's head: the JSON body, or anything that axum can take
/// from a request's head.
///
/// The type decides. `M` only keeps the two ways apart and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of an endpoint",
    label = "neither a JSON body nor an extractor that is `Send`",
    note = "for a JSON body, write `#[derive(Deserialize, JsonSchema)]` above its type, and `In` instead of `Json<In>`",
    note = "for a value from the request head, implement axum's `FromRequestParts`"
)]
pub trait Argument<M>: Sized + Send {
    /// Where it is taken from.
    const TAKEN: Taken;

    /// Takes it from the request, by these rules.
    fn take<'a, 'c, R: Rules<Self>>(call: &'a mut Call<'c>) -> Taking<'a, 'c, Self>;
}

/// What a health check may take: it is asked with an empty body.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a health check",
    label = "a health check has no request body: remove this argument"
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
pub enum Taking<'a, 'c, T> {
    /// From what has been read before, by a function that waits for nothing.
    Read(&'a mut Call<'c>, fn(&mut Call<'c>) -> Result<T, Error>),
    /// From the head, by axum.
    Waiting(Erased<'a, T>),
}

impl<T> Future for Taking<'_, '_, T> {
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Read(call, read) => Poll::Ready(read(call)),
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

    fn take<'a, 'c, R: Rules<Self>>(call: &'a mut Call<'c>) -> Taking<'a, 'c, Self> {
        Taking::Read(call, read::<T, R>)
    }
}

fn read<T: DeserializeOwned, R: Rules<T>>(call: &mut Call<'_>) -> Result<T, Error> {
    let input = match T::deserialize(&mut call.reader) {
        Ok(input) => input,
        Err(fault) => return Err(call.mistaken(fault)),
    };
    match R::broken(&input, call) {
        None => Ok(input),
        Some(error) => {
            discard(input);
            Err(error)
        }
    }
}

/// Drops what is of no use. In place, that would be most of the code which reads a small type.
#[cold]
#[inline(never)]
fn discard<T>(_: T) {}

impl<T: FromRequestParts<()> + Send> Argument<FromHead> for T
where
    T::Rejection: 'static,
{
    const TAKEN: Taken = Taken::Head;

    fn take<'a, 'c, R: Rules<Self>>(call: &'a mut Call<'c>) -> Taking<'a, 'c, Self> {
        let path = call.path;
        let head = &mut *call.request;
        Taking::Waiting(Box::pin(async move {
            let rejected = match T::from_request_parts(head, &()).await {
                Ok(taken) => return R::broken_in_head(&taken, head).map_or(Ok(taken), Err),
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

    fn take<'a, 'c, R: Rules<Self>>(call: &'a mut Call<'c>) -> Taking<'a, 'c, Self> {
        Taking::Read(call, |call| Ok(call.context()))
    }
}
