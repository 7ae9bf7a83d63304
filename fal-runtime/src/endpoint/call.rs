use std::any::Any;
use std::pin::Pin;

use bytes::Bytes;
use http::request::Parts;

use super::blocking::{self, Lane};
use super::{Argument, Reply, ResponseHead, Taking};
use crate::calls::Place;
use crate::{Error, Instance};

/// One call of an endpoint: what the code around it knows, for the function that knows the types.
#[derive(Debug)]
pub struct Call<'a> {
    /// The head of the response, which outlives the call: what it holds is sent after an error and a panic, too.
    pub head: &'a mut ResponseHead,
    pub(super) instance: &'a Instance,
    pub(super) request: &'a mut Parts,
    pub(super) body: Bytes,
    pub(super) lane: Lane,
    pub(super) place: Place,
}

impl<'a> Call<'a> {
    /// Takes an argument from the request.
    pub fn take<T: Argument<M>, M>(&mut self) -> Taking<'_, T> {
        T::take(self)
    }

    /// The app.
    pub fn app<A: Any>(&self) -> Result<&'a A, Error> {
        downcast(self.instance)
    }

    /// Runs a blocking function where it keeps nobody waiting. It keeps its place, and its client's connection, until
    /// it returns, even when the call is dropped meanwhile (S38).
    pub fn blocking<A: Any, F>(self, function: F) -> impl Future<Output = Result<Reply, Error>> + Send
    where
        F: FnOnce(&A, &mut ResponseHead) -> Result<Reply, Error> + Send + 'static,
    {
        let instance = Instance::clone(self.instance);
        let work = Box::new(move |head: &mut ResponseHead| function(downcast(&instance)?, head));
        blocking::run(work, self.lane, self.place, self.head)
    }
}

/// Erases the type of a call.
pub fn boxed<'a>(
    call: impl Future<Output = Result<Reply, Error>> + Send + 'a,
) -> Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send + 'a>> {
    Box::pin(call)
}

/// Endpoints are looked up by their app's type, so it is that type.
fn downcast<A: Any>(instance: &Instance) -> Result<&A, Error> {
    instance.downcast_ref().ok_or_else(|| Error::msg("the endpoint belongs to another app"))
}
