use std::any::Any;
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Instant;

use http::request::Parts;

use super::blocking::{self, Lane};
use super::events::Sender;
use super::json::{Fault, Reader};
use super::{Argument, Events, Reply, RequestId, ResponseHead, Taking, explain};
use crate::app::Shared;
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
    /// The body; empty where the endpoint takes none.
    pub(super) reader: Reader<'a>,
    pub(super) lane: Lane,
    /// None once a blocking function has it.
    pub(super) place: Option<Place>,
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

    /// What is wrong with a body that an input has been read from: more than the input, or what breaks the rules of the
    /// input's own type, where it has some.
    pub(super) fn check(&mut self, input: &dyn Any) -> Option<Error> {
        if let Some(fault) = self.reader.end() {
            return Some(self.mistaken(fault));
        }
        let flaws = self.endpoint.check()?(input);
        (!flaws.is_empty()).then(|| explain::flawed(flaws, self.reader.body()))
    }

    /// What is wrong with a body that no input could be read from.
    #[cold]
    pub(super) fn mistaken(&mut self, fault: Fault) -> Error {
        explain::mistaken(self.reader.locate(fault), self.reader.body())
    }

    /// The app.
    pub fn app<A: Any>(&self) -> Result<&'a A, Error> {
        downcast(self.instance)
    }

    /// Runs a blocking function where it keeps nobody waiting. It keeps its place, and its client's connection, until
    /// it returns, even when the call is dropped meanwhile (S38).
    pub async fn blocking<A: Any, F>(&mut self, function: F) -> Result<Reply, Error>
    where
        F: FnOnce(&A, &mut ResponseHead) -> Result<Reply, Error> + Send + 'static,
    {
        let instance = Instance::clone(self.instance);
        let work = Box::new(move |head: &mut ResponseHead| function(downcast(&instance)?, head));
        // It is called once, by the same macro.
        let place = self.place.take().ok_or_else(|| Error::msg("the call has no place any more"))?;
        blocking::run(work, self.lane.clone(), place, self.head).await
    }
}

/// A call whose type is erased.
type Erased<'a> = Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send + 'a>>;

/// Erases the types of an app's calls. Its own function is for an app that its requests can share; that of
/// [`Unshared`], which is found after it, is for one that has been refused already.
#[derive(Debug)]
pub struct Boxed<A>(PhantomData<A>);

impl<A: Shared> Boxed<A> {
    /// The call without its type.
    pub fn of<'a, F: Future<Output = Result<Reply, Error>> + Send + 'a>(call: F) -> Erased<'a> {
        Box::pin(call)
    }
}

/// What an app has that is not [`Shared`]: rustc says that of the app, and not once more of each call.
pub trait Unshared {
    /// Takes any call, to make none.
    fn of<'a, F: Future<Output = Result<Reply, Error>>>(_: F) -> Erased<'a> {
        Box::pin(async { Err(Error::msg("requests cannot share the app")) })
    }
}

impl<A> Unshared for Boxed<A> {}

/// Endpoints are looked up by their app's type, so it is that type.
fn downcast<A: Any>(instance: &Instance) -> Result<&A, Error> {
    instance.downcast_ref().ok_or_else(|| Error::msg("the endpoint belongs to another app"))
}
