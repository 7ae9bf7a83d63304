//! Runs an app's `setup`, `handle_exit` and `teardown`.
//!
//! Each runs on its own thread, where it may block; an async one is driven there with the runtime's I/O and timers.
//! So it cannot hold up the threads that serve requests. Whether a function is async and returns a `Result` is
//! found by the types.

use std::future::ready;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, Either, select};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::instance::Instance;
use super::setup::Setup;
use super::traits::App;
use crate::block_on::block_on;
use crate::error::{Context, Error};
use crate::foreign_messages;

/// The lifecycle methods of an app that declares none of that name, by
/// [autoref-style specialization](crate::__private#autoref-style-specialization).
pub trait Lifecycle: App {
    /// Makes the app with its `Default`.
    fn setup() -> Self
    where
        Self: HasSetup,
    {
        Self::default_setup()
    }

    /// Does nothing.
    fn handle_exit(&self) {}

    /// Drops the app.
    fn teardown(self) {}

    /// Adds no layers.
    fn layer(router: axum::Router) -> axum::Router {
        router
    }
}

impl<A: App> Lifecycle for A {}

/// Runs `setup` on its own thread.
pub fn setup<A: App>(
    cx: Setup,
    setup: fn(&mut FunctionThread<A>, &Setup) -> Settled<A>,
) -> BoxFuture<'static, Result<Instance, Error>> {
    Box::pin(async move {
        match on_a_thread("setup", move |thread| setup(thread, &cx)).await {
            Ok(app) => Ok(Arc::new(app) as Instance),
            Err(error) if foreign_messages::is_second_subscriber(&error.to_string()) => {
                Err(error).context(SECOND_SUBSCRIBER)
            }
            Err(error) => Err(error),
        }
    })
}

const SECOND_SUBSCRIBER: &str = "fal-runtime has set up the log before `setup`: set up your own `tracing` subscriber in `main`, \
    before `fal_runtime::main()`, which then keeps it";

/// Calls a `setup`, which takes nothing or `&Setup`.
pub fn call_setup<'a, F: TakesSetup<'a, M>, M>(setup: F, cx: &'a Setup) -> F::Returned {
    setup.call(cx)
}

/// The signature of a `setup`: without an argument, or with `&Setup`. `M` marks which and is inferred.
#[diagnostic::on_unimplemented(
    message = "invalid signature for `setup`",
    label = "write `fn setup() -> Result<Self>` or `fn setup(cx: &Setup) -> Result<Self>`"
)]
pub trait TakesSetup<'a, M> {
    /// Its return type: the app, a `Result` of it, or a future of either.
    type Returned;

    /// Calls it.
    fn call(self, cx: &'a Setup) -> Self::Returned;
}

#[diagnostic::do_not_recommend]
impl<R, F: FnOnce() -> R> TakesSetup<'_, fn() -> R> for F {
    type Returned = R;

    fn call(self, _: &Setup) -> R {
        self()
    }
}

#[diagnostic::do_not_recommend]
impl<'a, R, F: FnOnce(&'a Setup) -> R> TakesSetup<'a, fn(&'a Setup) -> R> for F {
    type Returned = R;

    fn call(self, cx: &'a Setup) -> R {
        self(cx)
    }
}

/// Runs `handle_exit` on its own thread. A failure is logged.
pub fn handle_exit<A: App>(
    app: Instance,
    exit: fn(&A, &mut FunctionThread<()>) -> Settled<()>,
) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let told = match app.downcast::<A>() {
            Ok(app) => on_a_thread("handle_exit", move |thread| exit(&app, thread)).await,
            Err(_) => Err(another_app()),
        };
        if let Err(error) = told {
            tracing::error!("handle_exit: {error}");
        }
    })
}

/// Runs `teardown` on its own thread. It is an error while a call of the app still runs.
pub fn teardown<A: App>(
    app: Instance,
    teardown: fn(A, &mut FunctionThread<()>) -> Settled<()>,
) -> BoxFuture<'static, Result<(), Error>> {
    Box::pin(async move {
        let app = app.downcast::<A>().map_err(|_| another_app())?;
        let app = Arc::into_inner(app).context("the app is still in use")?;
        on_a_thread("teardown", move |thread| teardown(app, thread)).await
    })
}

/// The result of a lifecycle function, or `None` if its caller no longer waits.
pub type Settled<T> = Option<Result<T, Error>>;

/// The thread of one lifecycle function.
#[derive(Debug)]
pub struct FunctionThread<T> {
    runtime: Handle,
    answer: oneshot::Sender<Result<T, Error>>,
    has_returned: Arc<AtomicBool>,
}

impl<T> FunctionThread<T> {
    /// Waits for the returned value or future, unless the caller goes first.
    pub fn settle<R: Settle<T, M>, M>(&mut self, returned: R) -> Settled<T> {
        let Self { answer, has_returned, .. } = self;
        has_returned.store(true, Ordering::Release);
        block_on(async {
            match select(pin!(returned.settle()), pin!(answer.closed())).await {
                Either::Left((settled, _)) => Some(settled),
                Either::Right(((), _)) => None,
            }
        })
    }
}

async fn on_a_thread<T: Send + 'static>(
    name: &'static str,
    function: impl FnOnce(&mut FunctionThread<T>) -> Settled<T> + Send + 'static,
) -> Result<T, Error> {
    let (answer, answered) = oneshot::channel();
    let has_returned = Arc::<AtomicBool>::default();
    let mut thread =
        FunctionThread { runtime: Handle::try_current()?, answer, has_returned: Arc::clone(&has_returned) };
    let runtime = thread.runtime.clone();
    let run = move || {
        let runtime = thread.runtime.clone();
        let _runtime = runtime.enter();
        let settled = catch_unwind(AssertUnwindSafe(|| function(&mut thread)));
        let settled = settled.unwrap_or_else(|panic| Some(Err(Error::panicked(&*panic))));
        if let Some(settled) = settled {
            // The caller may have stopped waiting.
            let _ = thread.answer.send(settled);
        }
    };
    let running = start(name, Box::new(run), &runtime);
    let mut waiting = PendingFunction { answered: Some(answered), has_returned, running };
    match &mut waiting.answered {
        Some(answered) => answered.await?,
        None => Err(Error::msg("the caller no longer waits")),
    }
}

/// Starts a lifecycle function. It is not generic, since the code of a thread is large.
fn start(name: &str, function: LifecycleWork, runtime: &Handle) -> RunningFunction {
    let running = RunningFunction::default();
    *running.lock() = Some(function);
    let work = running.clone();
    let work = move || {
        // Locked until the function has ended.
        let mut work = work.lock();
        if let Some(run) = work.take() {
            run();
        }
    };
    if std::thread::Builder::new().name(name.into()).spawn(work.clone()).is_err() {
        // The system gives no further thread: one that runs blocking calls is kept for this (S101b).
        runtime.spawn_blocking(work);
    }
    running
}

/// A lifecycle function, which is taken by the thread that runs it and locked while it runs.
#[derive(Clone, Default)]
struct RunningFunction(Arc<Mutex<Option<LifecycleWork>>>);

type LifecycleWork = Box<dyn FnOnce() + Send>;

impl RunningFunction {
    fn lock(&self) -> MutexGuard<'_, Option<LifecycleWork>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller's handle to a running lifecycle function. Dropping it early drops an async function and waits until
/// that is done, since the process may end right after (S42). A blocking function is abandoned.
struct PendingFunction<T> {
    answered: Option<oneshot::Receiver<Result<T, Error>>>,
    /// Whether the function has returned, so that at most its future is still running.
    has_returned: Arc<AtomicBool>,
    running: RunningFunction,
}

impl<T> Drop for PendingFunction<T> {
    fn drop(&mut self) {
        self.answered = None;
        if self.has_returned.load(Ordering::Acquire) {
            drop(self.running.lock());
        }
    }
}

fn another_app() -> Error {
    Error::msg("internal error: the instance belongs to another app")
}

/// The return type of a lifecycle function: `T`, `Result<T>`, or a future of either.
///
/// `M` marks which and is inferred.
#[diagnostic::on_unimplemented(
    message = "invalid return type `{Self}`",
    label = "return `{T}` or a `Result` of it, async or not"
)]
pub trait Settle<T, M> {
    /// Converts it to a `Result`; waits if it is a future.
    fn settle(self) -> impl Future<Output = Result<T, Error>>;
}

/// Marks a plain value.
#[derive(Debug)]
pub enum Plain {}

/// Marks a `Result`.
#[derive(Debug)]
pub enum Fallible {}

/// Marks a future whose output `M` marks.
#[derive(Debug)]
pub struct Async<M>(PhantomData<M>);

#[diagnostic::do_not_recommend]
impl<T> Settle<T, Plain> for T {
    fn settle(self) -> impl Future<Output = Result<T, Error>> {
        ready(Ok(self))
    }
}

#[diagnostic::do_not_recommend]
impl<T, E: Into<Error>> Settle<T, Fallible> for Result<T, E> {
    fn settle(self) -> impl Future<Output = Result<T, Error>> {
        ready(self.map_err(Into::into))
    }
}

#[diagnostic::do_not_recommend]
impl<T, M, F> Settle<T, Async<M>> for F
where
    F: Future,
    F::Output: Settle<T, M>,
{
    async fn settle(self) -> Result<T, Error> {
        self.await.settle().await
    }
}

/// An app without a `setup`, which is made with its `Default`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `setup`",
    label = "neither `setup` nor `Default`",
    note = "write `async fn setup() -> Result<Self>` in the block with `#[app]`, or derive `Default`"
)]
pub trait HasSetup {
    /// Makes the app.
    fn default_setup() -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default> HasSetup for T {
    fn default_setup() -> Self {
        Self::default()
    }
}
