//! The runners of a host under test: threads of the test's process.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use fal_host::{Address, Exit, LaunchError, Launcher, RunnerHandle, RunnerId, StatusReporter};
use http::StatusCode;
use tokio::sync::watch;
use tower::ServiceExt;

use super::app::TestApp;
use crate::app::App;
use crate::error::{Error, Result};

/// The exit status of a runner whose `setup` failed.
const SETUP_FAILED: i32 = 3;

/// Starts each runner on a thread.
pub(super) struct InProcess<A: App>(pub(super) Arc<Runners<A>>);

/// The runners that run.
pub(super) struct Runners<A: App>(Mutex<State<A>>);

struct State<A: App> {
    running: BTreeMap<u64, Running<A>>,
    /// The fleet was dropped.
    is_closed: bool,
    /// The first failed `teardown`.
    error: Option<Error>,
}

struct Running<A: App> {
    index: usize,
    app: TestApp<A>,
    orders: watch::Sender<Order>,
}

/// What a runner is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Run,
    Stop,
    End,
}

impl<A: App> Default for Runners<A> {
    fn default() -> Self {
        Self(Mutex::new(State { running: BTreeMap::new(), is_closed: false, error: None }))
    }
}

impl<A: App> Runners<A> {
    fn lock(&self) -> MutexGuard<'_, State<A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn with_app<T>(&self, index: usize, call: impl FnOnce(&A) -> T) -> Option<T> {
        let state = self.lock();
        let newest = state.running.values().rev().find(|running| running.index == index)?;
        Some(call(&newest.app))
    }

    pub(super) fn take_error(&self) -> Option<Error> {
        self.lock().error.take()
    }

    /// Ends all runners, also those that start later.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        for running in state.running.values() {
            running.orders.send_replace(Order::End);
        }
    }

    fn insert(&self, id: RunnerId, running: Running<A>) {
        let mut state = self.lock();
        if state.is_closed {
            running.orders.send_replace(Order::End);
        }
        state.running.insert(id.get(), running);
    }

    /// Stops the app of a runner.
    fn remove(&self, id: RunnerId) -> Result<()> {
        let running = self.lock().running.remove(&id.get());
        running.map_or(Ok(()), |running| running.app.stop().wait())
    }
}

impl<A: App> Launcher for InProcess<A> {
    fn launch(
        &mut self,
        id: RunnerId,
        reporter: StatusReporter,
    ) -> Result<Box<dyn RunnerHandle>, LaunchError> {
        let listen = || {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        };
        let failed = |error: std::io::Error| LaunchError::new(error.to_string());
        let (address, listener) = listen().map_err(failed)?;
        let (orders, _) = watch::channel(Order::Run);
        let (runners, sender) = (Arc::clone(&self.0), orders.clone());
        let run = move || {
            let status = run(&runners, id, &reporter, listener, &sender);
            reporter.exited(Exit::Status(status));
        };
        thread::Builder::new().name(format!("runner-{id}")).spawn(run).map_err(failed)?;
        Ok(Box::new(Handle { address, orders }))
    }
}

/// Runs a runner to its end; returns its exit status.
fn run<A: App>(
    runners: &Runners<A>,
    id: RunnerId,
    reporter: &StatusReporter,
    listener: TcpListener,
    orders: &watch::Sender<Order>,
) -> i32 {
    let app =
        catch_unwind(|| TestApp::<A>::start().wait()).unwrap_or_else(|panic| Err(Error::panicked(&*panic)));
    let app = match app {
        Ok(app) => app,
        Err(error) => {
            reporter.setup_failed(error.to_string());
            return SETUP_FAILED;
        }
    };
    app.setup_progress().iter().for_each(|progress| reporter.progress(progress.clone()));
    let (router, runtime) = app.router();
    runners.insert(id, Running { index: reporter.index(), app, orders: orders.clone() });
    let served = runtime.block_on(serve(listener, router, orders, reporter));
    let is_stopped = *orders.borrow() == Order::Stop;
    let stopped = catch_unwind(AssertUnwindSafe(|| runners.remove(id)));
    let stopped = stopped.unwrap_or_else(|panic| Err(Error::panicked(&*panic)));
    match served.map_err(Error::from).and(stopped) {
        Ok(()) => 0,
        // A killed runner has no teardown that could fail.
        Err(_) if !is_stopped => 1,
        Err(error) => {
            runners.lock().error.get_or_insert(error);
            1
        }
    }
}

async fn serve(
    listener: TcpListener,
    router: Router,
    orders: &watch::Sender<Order>,
    reporter: &StatusReporter,
) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    // A connection may end later than its requests, and must not keep the app from its teardown.
    let router = Arc::new(router);
    let weak = Arc::downgrade(&router);
    let forwarding = Router::new().fallback(async move |request: Request| match weak.upgrade() {
        Some(router) => Router::clone(&router).oneshot(request).await.into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    });
    let (mut stopping, mut ending) = (orders.subscribe(), orders.subscribe());
    let stopped = async move {
        let _ = stopping.wait_for(|order| *order != Order::Run).await;
    };
    reporter.ready();
    tokio::select! {
        served = async { axum::serve(listener, forwarding).with_graceful_shutdown(stopped).await } => served,
        _ = ending.wait_for(|order| *order == Order::End) => Ok(()),
    }
}

struct Handle {
    address: SocketAddr,
    orders: watch::Sender<Order>,
}

impl RunnerHandle for Handle {
    fn address(&self) -> Address {
        Address::Tcp(self.address)
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn terminate(&mut self) {
        self.orders.send_replace(Order::Stop);
    }

    fn kill(&mut self) {
        self.orders.send_replace(Order::End);
    }
}
