//! The thread of the admin interface and the probes. It is not the control thread, so that a long answer delays no check.

use std::io;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::pin::pin;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use futures_util::future::{OptionFuture, join_all};
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::admin::{self, AdminListener, History, StdListener};
use crate::client_policy::ClientPolicy;
use crate::control_socket::{self, SocketAccess, SocketFile};
use crate::own_runtime;

/// How long the last responses may take to be written when the host ends.
const LAST_RESPONSES: Duration = Duration::from_millis(100);

/// How long a connection without a request stays open when another host takes over: a request may be on its way.
const LINGER: Duration = Duration::from_millis(500);

/// The Unix socket of operators.
#[derive(Debug)]
pub(super) enum ControlSocket {
    Listens(SocketFile, UnixListener),
    /// The host that serves still has one.
    Later(PathBuf, SocketAccess),
}

/// Interfaces that are to be served, on listeners that are not bound to a reactor.
#[derive(Debug, Default)]
pub(super) struct Interfaces {
    pub(super) over_tcp: Vec<(StdListener, Router)>,
    pub(super) control: Option<(ControlSocket, Router)>,
    pub(super) history: Option<History>,
}

/// The thread before it is started.
#[derive(Debug)]
pub(super) struct AdminThread {
    runtime: Runtime,
    listeners: Vec<(AdminListener, Router)>,
    control: Option<(ControlSocket, Router)>,
    history: Option<History>,
}

/// Ends the thread when it is dropped, and waits for its end.
#[derive(Debug)]
pub(super) struct AdminThreadGuard {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl AdminThread {
    /// Serves as soon as the policy allows it, until the guard is dropped; there is none if there is nothing to serve. The sender
    /// of the first channel is dropped when all listen, and that of the second one when the listeners are closed.
    pub(super) fn start(
        interfaces: Interfaces,
        policy: &watch::Sender<ClientPolicy>,
    ) -> io::Result<(Option<AdminThreadGuard>, [watch::Receiver<()>; 2])> {
        let ((opening, open), (door, closed)) = (watch::channel(()), watch::channel(()));
        let thread = Self::new(interfaces)?;
        let guard = thread.map(|thread| thread.spawn(policy.subscribe(), (opening, door))).transpose()?;
        Ok((guard, [open, closed]))
    }

    /// `None` if there is nothing to serve.
    fn new(interfaces: Interfaces) -> io::Result<Option<Self>> {
        let Interfaces { over_tcp, control, history } = interfaces;
        if over_tcp.is_empty() && control.is_none() {
            return Ok(None);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // The listeners move to the reactor of the thread.
        let move_to_thread = |(listener, router): (StdListener, _)| {
            let _reactor = runtime.enter();
            Ok((listener.register()?, router))
        };
        let listeners = over_tcp.into_iter().map(move_to_thread).collect::<io::Result<_>>()?;
        Ok(Some(Self { runtime, listeners, control, history }))
    }

    fn spawn(
        self,
        policy: watch::Receiver<ClientPolicy>,
        (opening, door): (watch::Sender<()>, watch::Sender<()>),
    ) -> io::Result<AdminThreadGuard> {
        let (stop, stopped) = oneshot::channel();
        let Self { runtime, listeners, control, history } = self;
        let thread = own_runtime::drive(
            thread::Builder::new().name("fal-host-admin".to_owned()),
            runtime,
            move |runtime| {
                runtime.block_on(async {
                    let recording = OptionFuture::from(history.map(History::record));
                    tokio::select! {
                        () = serve(listeners, control, policy, (opening, door), stopped) => {}
                        Some(()) = recording => {}
                    }
                });
            },
        )?;
        Ok(AdminThreadGuard { stop: Some(stop), thread: Some(thread) })
    }
}

async fn serve(
    mut listeners: Vec<(AdminListener, Router)>,
    control: Option<(ControlSocket, Router)>,
    mut policy: watch::Receiver<ClientPolicy>,
    (opening, door): (watch::Sender<()>, watch::Sender<()>),
    mut stopped: oneshot::Receiver<()>,
) {
    let is_held = *policy.borrow() == ClientPolicy::Hold;
    tokio::select! {
        opened = policy.wait_for(|policy| *policy > ClientPolicy::Hold) => {
            // A host that stops without having been let serve never listens: another host does there (S91a).
            if is_held && !opened.is_ok_and(|opened| *opened == ClientPolicy::Serve) {
                return;
            }
        }
        _ = &mut stopped => return,
    }
    let mut file = None;
    if let Some((socket, router)) = control
        && let Some((listener, own)) = socket.listen()
    {
        file = Some(own);
        listeners.push((listener, router));
    }
    drop(opening);
    let (closing, closed) = watch::channel(None);
    let interfaces = listeners.into_iter();
    let serving =
        interfaces.map(|(listener, router)| admin::serve(listener, router, closed.clone(), door.clone()));
    let mut serving = pin!(join_all(serving));
    drop(door);
    let retired = async {
        let ended = policy.wait_for(|policy| *policy == ClientPolicy::Retire).await.is_err();
        if ended {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        _ = &mut serving => {}
        () = retired => {
            // The other host makes one of its own now.
            drop(file);
            closing.send_replace(Some(LINGER));
            // A stream of events has no end of its own.
            let _ = timeout(LINGER + LAST_RESPONSES, &mut serving).await;
        }
        // An error means that the guard was dropped.
        _ = &mut stopped => {
            drop(file);
            closing.send_replace(Some(Duration::ZERO));
            let _ = timeout(LAST_RESPONSES, serving).await;
        }
    }
}

impl ControlSocket {
    /// The socket in the reactor of this thread. `None` if it cannot be made: the host serves without.
    fn listen(self) -> Option<(AdminListener, SocketFile)> {
        let listens = match self {
            Self::Listens(file, listener) => Ok((listener, file)),
            Self::Later(path, access) => control_socket::listen(&path, access),
        };
        let registered =
            listens.and_then(|(listener, file)| Ok((StdListener::Unix(listener).register()?, file)));
        registered
            .inspect_err(
                |error| tracing::warn!(%error, "no Unix socket: the subcommands cannot find this host"),
            )
            .ok()
    }
}

impl Drop for AdminThreadGuard {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of it was printed.
            let _ = thread.join();
        }
    }
}
