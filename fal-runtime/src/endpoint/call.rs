use std::any::Any;
use std::pin::Pin;
use std::time::Instant;

use bytes::Bytes;
use http::request::Parts;

use super::blocking::{self, Lane};
use super::events::Sender;
use super::{Argument, Events, Reply, RequestId, ResponseHead, Taking, explain};
use crate::calls::Place;
use crate::extract::RequestContext;
use crate::{Endpoint, Error, Instance};

/// One call of an endpoint: what the code around it knows, for the function that knows the types.
#[derive(Debug)]
pub struct Call<'a> {
    /// The head of the response, which outlives the call: what it holds is sent after an error and a panic, too.
    pub head: &'a mut ResponseHead,
    pub(super) instance: &'a Instance,
    pub(super) endpoint: &'static Endpoint,
    pub(super) id: &'a RequestId,
    pub(super) deadline: Option<Instant>,
    pub(super) request: &'a mut Parts,
    /// Where events go; none where the endpoint sends none.
    pub(super) events: Option<Sender>,
    pub(super) body: Bytes,
    pub(super) lane: Lane,
    pub(super) place: Place,
}

impl<'a> Call<'a> {
    /// Takes an argument from the request.
    pub fn take<T: Argument<M>, M>(&mut self) -> Taking<'_, T> {
        T::take(self)
    }

    /// What the endpoint sends its events with.
    pub fn events<T>(&mut self) -> Result<Events<T>, Error> {
        // One that takes events is declared so, by the same macro.
        let sender = self.events.take().ok_or_else(|| Error::msg("the endpoint sends no events"))?;
        Ok(Events::new(sender))
    }

    /// What the runner knows of the request.
    pub(super) fn context(&self) -> RequestContext {
        RequestContext::new(self.id.clone(), self.endpoint.path(), self.deadline, self.request)
    }

    /// What is wrong with an input by the rules of its own type, where it has some.
    pub(super) fn check(&self, input: &dyn Any) -> Option<Error> {
        let flaws = self.endpoint.check()?(input);
        (!flaws.is_empty()).then(|| explain::flawed(flaws, &self.body))
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
