//! The context of one call, for the function that knows the types.

use std::any::Any;
use std::marker::PhantomData;
use std::time::Instant;

use futures_util::future::BoxFuture;
use http::request::Parts;

use super::blocking::{self, ExecutionLane};
use super::payload::Payload;
use super::request_id::RequestId;
use crate::answer::{Events, Reply, ResponseHead, Sender};
use crate::app::{Instance, Shared};
use crate::error::Error;
use crate::extract::RequestContext;
use crate::json::{DeserializeError, Reader, SchemaOf};
use crate::server::CallGuard;
use crate::validation::{AllErrors, RepairedBodies, body};

/// The context of one call, which the generic code of an endpoint works with.
#[derive(Debug)]
pub struct CallContext<'a> {
    /// The head of the response. It outlives the call, so that it is sent after an error or a panic, too.
    pub head: &'a mut ResponseHead,
    pub(super) instance: &'a Instance,
    /// The path of the endpoint, as it was declared.
    pub(super) path: &'static str,
    pub(super) id: &'a RequestId,
    pub(super) deadline: Option<Instant>,
    pub(super) request: &'a mut Parts,
    /// The channel of events. `None` if the endpoint sends none.
    pub(super) events: Option<Sender>,
    /// The body. Empty if the endpoint takes none.
    pub(super) reader: Reader<'a>,
    /// The errors of a body that is read again.
    pub(super) errors: Option<Box<AllErrors>>,
    pub(super) bodies: &'a RepairedBodies,
    /// A body of another kind than JSON.
    pub(super) payload: Payload,
    pub(super) lane: &'a ExecutionLane,
    /// `None` while a blocking function holds it.
    pub(super) place: Option<CallGuard>,
}

impl<'a> CallContext<'a> {
    /// The sender of the endpoint's events.
    pub fn events<T>(&mut self) -> Result<Events<T>, Error> {
        // The macro also declares that the endpoint sends events.
        let sender = self.events.take().ok_or_else(|| Error::msg("the endpoint sends no events"))?;
        Ok(Events::new(sender))
    }

    /// The context of the request.
    pub(super) fn context(&self) -> RequestContext {
        RequestContext::new(self.id.clone(), self.path, self.deadline, self.request)
    }

    /// The error of a body with more than one value, or those of a body that was read after repairs.
    pub(super) fn end(&mut self) -> Option<Error> {
        if let Some(errors) = self.errors.take() {
            return Some(errors.into_error());
        }
        self.reader.end().map(|fault| {
            let located = self.reader.locate(fault);
            body::deserialize_error(&located, self.reader.body())
        })
    }

    /// The error of a body that could not be deserialized as a type of this schema. `None` if the body was repaired and has to be
    /// read again, for further errors.
    #[cold]
    #[inline(never)]
    pub(super) fn body_error(&mut self, fault: DeserializeError, schema: SchemaOf) -> Option<Error> {
        let located = self.reader.locate(fault);
        let errors = match self.errors.take() {
            Some(errors) => errors.and(&located),
            None => AllErrors::new(&located, self.reader.body(), schema),
        };
        let errors = match errors {
            Ok(errors) => errors,
            Err(error) => return Some(error),
        };
        self.reader = Reader::new(self.bodies.keep(errors.repaired()));
        self.errors = Some(errors);
        None
    }

    /// The app. It takes `&mut self`, as all methods here that generated code calls: by the receiver as it is, an inherent method
    /// comes before those of a trait for all types that the user may have in scope.
    pub fn app<A: Any>(&mut self) -> &'a A {
        downcast(self.instance)
    }

    /// Runs a blocking function off the async threads. It keeps its permit and its client's connection until
    /// it returns, even if the call is dropped ([S38](fal_health::semantics#s38)).
    pub async fn blocking<A: Any, F>(&mut self, function: F) -> Result<Reply, Error>
    where
        F: FnOnce(&A, &mut ResponseHead) -> Result<Reply, Error> + Send + 'static,
    {
        let instance = Instance::clone(self.instance);
        let work = Box::new(move |head: &mut ResponseHead| function(downcast(&instance), head));
        // The macro calls this once.
        let place = self.place.take().ok_or_else(|| Error::msg("the call has no permit any more"))?;
        let (reply, place) = blocking::run(work, self.lane.clone(), place, self.head).await?;
        self.place = Some(place);
        Ok(reply)
    }
}

/// Boxes the calls of the app `A`, if requests can share it. [`BoxedCallFallback`] is for an app that they cannot share, by
/// [autoref-style specialization](crate::__private#autoref-style-specialization).
#[derive(Debug)]
pub struct BoxedCall<A>(PhantomData<A>);

impl<A: Shared> BoxedCall<A> {
    /// Boxes the call.
    pub fn fal_box<'a, F: Future<Output = Result<Reply, Error>> + Send + 'a>(
        call: F,
    ) -> BoxFuture<'a, Result<Reply, Error>> {
        Box::pin(call)
    }
}

/// Boxes the calls of an app that is not [`Shared`]. rustc reports that at the app, and not again at each call.
pub trait BoxedCallFallback {
    /// Accepts any call and runs none.
    fn fal_box<'a, F: Future<Output = Result<Reply, Error>>>(_: F) -> BoxFuture<'a, Result<Reply, Error>> {
        Box::pin(async { Err(Error::msg("requests cannot share the app")) })
    }
}

impl<A> BoxedCallFallback for BoxedCall<A> {}

/// Downcasts the app to its type.
#[inline(never)]
#[expect(
    clippy::panic,
    reason = "endpoints are looked up by their app's type; an error path would be compiled into each of them"
)]
fn downcast<A: Any>(instance: &Instance) -> &A {
    instance
        .downcast_ref()
        .unwrap_or_else(|| panic!("internal error: an endpoint was called with another app"))
}
