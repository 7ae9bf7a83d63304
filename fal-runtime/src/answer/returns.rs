//! The return types of endpoints, by
//! [autoref-style specialization](crate::__private#autoref-style-specialization).

use std::marker::PhantomData;

use super::reply::{Answer, Content, Reply};
use crate::error::{ApiError, DeclaredFailure, Error};

/// The error type of an endpoint.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of an endpoint",
    label = "does not convert into `fal_runtime::Error`",
    note = "return `fal_runtime::Result<…>`: `?` converts every `std::error::Error`; for a text, write `Error::msg(text)`"
)]
pub trait EndpointError: Into<Error> {}

#[diagnostic::do_not_recommend]
impl<E: Into<Error>> EndpointError for E {}

/// The return type of an endpoint that sends events.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by an endpoint that sends events",
    label = "the events are the response",
    note = "return `()` or `Result<()>`, and send the last item as an event"
)]
pub trait NoAnswer {}

#[diagnostic::do_not_recommend]
impl NoAnswer for () {}

/// The functions for the return type `R`: the inherent ones for a `Result`, those of [`ReturnsFallback`] for every other
/// type.
#[derive(Debug)]
pub struct Returns<R>(PhantomData<R>);

impl<T, E> Returns<Result<T, E>> {
    /// The content of the answer in the OpenAPI document.
    pub fn fal_content<M>() -> Content
    where
        T: Answer<M>,
        E: EndpointError,
    {
        T::CONTENT
    }

    /// Converts the return value to a response.
    pub fn fal_reply<M>(result: Result<T, E>) -> Result<Reply, Error>
    where
        T: Answer<M>,
        E: EndpointError,
    {
        match result {
            Ok(answer) => answer.reply(),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends a stream of events.
    pub fn fal_end(result: Result<T, E>) -> Result<Reply, Error>
    where
        T: NoAnswer,
        E: EndpointError,
    {
        match result {
            Ok(_) => Ok(Reply::NONE),
            Err(error) => Err(error.into()),
        }
    }
}

impl<T, E: ApiError> Returns<Result<T, E>> {
    /// The failures that the error type declares.
    pub const FAL_FAILURES: &'static [DeclaredFailure] = E::FAILURES;
}

/// The fallback for a return type other than `Result`, and for a `Result` whose error declares no failures.
pub trait ReturnsFallback<R> {
    /// No failures are declared.
    const FAL_FAILURES: &'static [DeclaredFailure] = &[];

    /// The content of the answer in the OpenAPI document.
    fn fal_content<M>() -> Content
    where
        R: Answer<M>;

    /// Converts the return value to a response.
    fn fal_reply<M>(answer: R) -> Result<Reply, Error>
    where
        R: Answer<M>;

    /// Ends a stream of events.
    fn fal_end(answer: R) -> Result<Reply, Error>
    where
        R: NoAnswer;
}

impl<R> ReturnsFallback<R> for Returns<R> {
    fn fal_content<M>() -> Content
    where
        R: Answer<M>,
    {
        R::CONTENT
    }

    fn fal_reply<M>(answer: R) -> Result<Reply, Error>
    where
        R: Answer<M>,
    {
        answer.reply()
    }

    fn fal_end(_: R) -> Result<Reply, Error>
    where
        R: NoAnswer,
    {
        Ok(Reply::NONE)
    }
}
