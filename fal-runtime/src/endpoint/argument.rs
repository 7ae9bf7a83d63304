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

    /// The future that extracts it. One that never waits makes the code of each endpoint smaller.
    type Extracting<'a, 'c: 'a>: Future<Output = Result<Self, Error>>;

    /// Extracts it from the request and checks its rules.
    fn extract<'a, 'c: 'a, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Self::Extracting<'a, 'c>;
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

/// Reads an argument synchronously from the call.
#[expect(missing_debug_implementations, reason = "it holds a function")]
pub struct Read<'a, 'c, T> {
    call: &'a mut CallContext<'c>,
    read: fn(&mut CallContext<'_>) -> Result<T, Error>,
}

impl<'a, 'c, T> Read<'a, 'c, T> {
    pub(super) fn new(
        call: &'a mut CallContext<'c>,
        read: fn(&mut CallContext<'_>) -> Result<T, Error>,
    ) -> Self {
        Self { call, read }
    }
}

impl<T> Future for Read<'_, '_, T> {
    type Output = Result<T, Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        Poll::Ready((this.read)(this.call))
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

    type Extracting<'a, 'c: 'a> = Read<'a, 'c, Self>;

    fn extract<'a, 'c: 'a, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Read<'a, 'c, Self> {
        Read::new(call, read::<T, R>)
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

    type Extracting<'a, 'c: 'a> = BoxFuture<'a, Result<Self, Error>>;

    fn extract<'a, 'c: 'a, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Self::Extracting<'a, 'c> {
        let path = call.path;
        let head = &mut *call.request;
        Box::pin(async move {
            let rejected = match T::from_request_parts(head, &()).await {
                Ok(taken) => return R::broken_in_head(&taken, head).map_or(Ok(taken), Err),
                Err(rejection) => rejection::validation_error(&rejection, path, head)
                    .ok_or_else(|| rejection.into_response()),
            };
            Err(rejection::into_error(rejected).await)
        })
    }
}

#[diagnostic::do_not_recommend]
impl<A: Any + Sync, T: FromApp<A> + 'static> Argument<WithApp<A>> for T {
    const SOURCE: ArgumentSource = match <T as HeadArgument<WithApp<A>>>::APP {
        Some(info) => ArgumentSource::App(info),
        None => ArgumentSource::Head,
    };

    type Extracting<'a, 'c: 'a> = BoxFuture<'a, Result<Self, Error>>;

    fn extract<'a, 'c: 'a, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Self::Extracting<'a, 'c> {
        let app: &A = call.app();
        Box::pin(T::from_app(app, call.request))
    }
}

#[diagnostic::do_not_recommend]
impl Argument<FromCall> for RequestContext {
    const SOURCE: ArgumentSource = ArgumentSource::Head;

    type Extracting<'a, 'c: 'a> = Read<'a, 'c, Self>;

    fn extract<'a, 'c: 'a, R: Rules<Self>>(call: &'a mut CallContext<'c>) -> Read<'a, 'c, Self> {
        Read::new(call, |call| Ok(call.context()))
    }
}
