//! The arguments of an endpoint: the JSON body, and extractors.

use std::any::{Any, TypeId, type_name};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::FromRequestParts;
use axum::response::IntoResponse;
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::argument_info::{AppArgument, ArgumentInfo, HeadSource, Requiredness, RuleChecker};
use super::call::CallContext;
use super::rules::Rules;
use crate::error::Error;
use crate::extract::{FromApp, RequestContext};
use crate::json::SchemaOf;
use crate::validation::rejection;

/// An argument of an endpoint other than `&self` and the response's head: the JSON body, or an extractor.
///
/// `M` marks which of the two it is. It is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of an endpoint",
    label = "neither a JSON body nor an extractor that is `Send`",
    note = "for a JSON body, write `#[derive(Deserialize, JsonSchema)]` above its type, and `In` instead of `Json<In>`",
    note = "for another body, write `Bytes`, `Text`, `BodyStream` or `Multipart` (feature `multipart`) of `fal_runtime::extract`",
    note = "for a value from the request head, implement `fal_runtime::extract::FromApp<YourApp>`; the app itself is `&self`"
)]
pub trait Argument<M>: Sized + Send {
    /// Where it comes from.
    const SOURCE: ArgumentSource;

    /// Extracts it from the request and checks its rules.
    fn extract<'a, 'c, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Extracting<'a, 'c, Self>;
}

/// An argument of a health check, which has no request body.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument where a request has no body",
    label = "health checks, GET and DELETE have no request body: remove this argument, or write `Query<…>`"
)]
pub trait HeadArgument<M> {
    /// What it takes, if the macro cannot know it.
    const APP: Option<&'static ArgumentInfo> = None;
}

#[diagnostic::do_not_recommend]
impl<T: FromRequestParts<()>> HeadArgument<FromHead> for T {}

#[diagnostic::do_not_recommend]
impl HeadArgument<FromCall> for RequestContext {}

#[diagnostic::do_not_recommend]
impl<A: Any, T: FromApp<A> + 'static> HeadArgument<WithApp<A>> for T {
    const APP: Option<&'static ArgumentInfo> = Some(
        const {
            let (app, type_name) = (TypeId::of::<A>, type_name::<T>);
            let source = HeadSource::App(AppArgument { app, type_name, security: T::SECURITY });
            &ArgumentInfo::new("", source, Requiredness::Required, RuleChecker::None)
        },
    );
}

/// Where an argument comes from.
#[derive(Clone, Copy, Debug)]
pub enum ArgumentSource {
    /// The body.
    Body(BodyKind),
    /// The request's head, or the runner itself.
    Head,
    /// The request's head and the app.
    App(&'static ArgumentInfo),
}

/// What an endpoint takes as its body.
#[derive(Clone, Copy, Debug)]
pub enum BodyKind {
    /// JSON of this schema.
    Json(SchemaOf),
    /// Text in UTF-8.
    Text,
    /// Bytes of any media type.
    Bytes,
    /// The same, read by the endpoint.
    Stream,
    /// Form data, read by the endpoint.
    Form,
}

/// The future of an argument that is being extracted. It is a named type, so that rustc reports a missing bound
/// once.
#[expect(missing_debug_implementations, reason = "it holds a future")]
pub enum Extracting<'a, 'c, T> {
    /// Reads it synchronously from the call.
    Read(&'a mut CallContext<'c>, fn(&mut CallContext<'c>) -> Result<T, Error>),
    /// Extracts it from the head with axum.
    Waiting(BoxFuture<'a, Result<T, Error>>),
}

impl<T> Future for Extracting<'_, '_, T> {
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Read(call, read) => Poll::Ready(read(call)),
            Self::Waiting(taking) => taking.as_mut().poll(context),
        }
    }
}

/// Marks arguments from the body.
#[derive(Debug)]
pub enum FromBody {}

/// Marks arguments from the head.
#[derive(Debug)]
pub enum FromHead {}

/// Marks arguments from the runner itself.
#[derive(Debug)]
pub enum FromCall {}

/// Marks arguments from the head and the app `A`.
#[derive(Debug)]
pub struct WithApp<A>(PhantomData<A>);

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Argument<FromBody> for T {
    const SOURCE: ArgumentSource = ArgumentSource::Body(BodyKind::Json(SchemaOf::of::<T>()));

    fn extract<'a, 'c, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Extracting<'a, 'c, Self> {
        Extracting::Read(call, read::<T, R>)
    }
}

fn read<T: DeserializeOwned + JsonSchema, R: Rules<T>>(call: &mut CallContext<'_>) -> Result<T, Error> {
    loop {
        let input = match T::deserialize(&mut call.reader) {
            Ok(input) => input,
            Err(fault) => match call.body_error(fault, const { SchemaOf::of::<T>() }) {
                Some(error) => return Err(error),
                None => continue,
            },
        };
        return match R::broken(&input, call) {
            None => Ok(input),
            Some(error) => {
                discard(input);
                Err(error)
            }
        };
    }
}

/// Drops a value out of line. Inlined, it would be most of the code of a small type.
#[cold]
#[inline(never)]
fn discard<T>(_: T) {}

impl<T: FromRequestParts<()> + Send> Argument<FromHead> for T
where
    T::Rejection: 'static,
{
    const SOURCE: ArgumentSource = ArgumentSource::Head;

    fn extract<'a, 'c, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Extracting<'a, 'c, Self> {
        let path = call.path;
        let head = &mut *call.request;
        Extracting::Waiting(Box::pin(async move {
            let rejected = match T::from_request_parts(head, &()).await {
                Ok(taken) => return R::broken_in_head(&taken, head).map_or(Ok(taken), Err),
                Err(rejection) => rejection::validation_error(&rejection, path, head)
                    .ok_or_else(|| rejection.into_response()),
            };
            Err(rejection::into_error(rejected).await)
        }))
    }
}

#[diagnostic::do_not_recommend]
impl<A: Any + Sync, T: FromApp<A> + 'static> Argument<WithApp<A>> for T {
    const SOURCE: ArgumentSource = match <T as HeadArgument<WithApp<A>>>::APP {
        Some(info) => ArgumentSource::App(info),
        None => ArgumentSource::Head,
    };

    fn extract<'a, 'c, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Extracting<'a, 'c, Self> {
        let app: &A = call.app();
        Extracting::Waiting(Box::pin(T::from_app(app, call.request)))
    }
}

#[diagnostic::do_not_recommend]
impl Argument<FromCall> for RequestContext {
    const SOURCE: ArgumentSource = ArgumentSource::Head;

    fn extract<'a, 'c, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Extracting<'a, 'c, Self> {
        Extracting::Read(call, |call| Ok(call.context()))
    }
}
