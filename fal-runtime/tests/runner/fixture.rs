//! The apps that the runners of these tests run. What they do in their setup, and how they end, the environment says;
//! that they have come to a point they tell on standard output.

#![expect(
    clippy::manual_assert,
    clippy::unnecessary_wraps,
    clippy::unused_async,
    clippy::unused_self,
    reason = "the functions of an app have the shapes that apps have"
)]

use std::process::{Command, Stdio};
use std::sync::{Condvar, Mutex};

use fal_runtime::answer::Response;
use fal_runtime::extract::{FromRequestParts, Parts};
use fal_runtime::prelude::*;
use fal_runtime::{RunnerPhase, runner_phase};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::Notify;

pub(crate) fn mark(text: &str) {
    println!("mark {text}");
}

fn wants(what: &str) -> bool {
    std::env::var("FIXTURE").is_ok_and(|wanted| wanted == what)
}

/// Says when it is dropped.
struct Dropped(&'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        mark(self.0);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the model cannot be loaded")]
struct NoModel(#[source] std::io::Error);

#[derive(Default)]
struct Patient {
    exit: Notify,
    released: Mutex<bool>,
    release: Condvar,
}

#[app(max_multiplexing = 8)]
impl Patient {
    async fn setup(cx: &Setup) -> Result<Self> {
        assert_eq!(runner_phase(), RunnerPhase::Setup);
        let _dropped = Dropped("setup dropped");
        mark("setup");
        match std::env::var("FIXTURE").unwrap_or_default().as_str() {
            "setup error" => Err(NoModel(std::io::Error::other("the disk is unmounted")))?,
            "setup panic" => panic!("the model is no model"),
            "setup progress" => cx.progress(0.4, "loading weights"),
            "setup pending" => std::future::pending().await,
            _ => {}
        }
        Ok(Self::default())
    }

    fn handle_exit(&self) {
        assert_eq!(runner_phase(), RunnerPhase::Terminating);
        mark("handle_exit");
        self.exit.notify_waiters();
        if wants("handle_exit panic") {
            panic!("handle_exit panics");
        }
    }

    fn teardown(self) -> Result<()> {
        mark("teardown");
        if wants("teardown error") {
            return Err(Error::msg("the journal cannot be closed"));
        }
        if wants("teardown endless") {
            std::thread::sleep(std::time::Duration::MAX);
        }
        Ok(())
    }

    #[endpoint("/quick")]
    async fn quick(&self) -> String {
        format!("{:?}", runner_phase())
    }

    #[endpoint("/takes")]
    async fn takes(&self, text: String) -> usize {
        text.len()
    }

    /// Ends when `handle_exit` is called.
    #[endpoint("/until-exit")]
    async fn until_exit(&self) -> &'static str {
        let exit = self.exit.notified();
        mark("until-exit");
        exit.await;
        "told"
    }

    #[endpoint("/endless")]
    async fn endless(&self) -> &'static str {
        let _dropped = Dropped("endless dropped");
        mark("endless");
        std::future::pending().await
    }

    /// A call that cannot be cancelled.
    #[endpoint("/blocking")]
    fn blocking(&self) -> &'static str {
        mark("blocking");
        let released = self.released.lock().unwrap();
        drop(self.release.wait_while(released, |released| !*released).unwrap());
        mark("blocking ended");
        "released"
    }

    #[endpoint("/release")]
    async fn release(&self) -> &'static str {
        *self.released.lock().unwrap() = true;
        self.release.notify_all();
        "done"
    }

    /// Takes a thread of the runtime and does not give it back.
    #[endpoint("/wedge")]
    async fn wedge(&self) -> &'static str {
        mark("wedge");
        std::thread::sleep(std::time::Duration::MAX);
        "never"
    }

    /// Leaves a process behind, which holds this runner's standard output.
    #[endpoint("/spawn")]
    async fn spawn(&self) -> Result<&'static str> {
        Command::new("sleep").arg("1000").spawn()?;
        Ok("spawned")
    }

    /// Starts this program again, as a runner's own child.
    #[endpoint("/again")]
    async fn again(&self) -> Result<String> {
        let mut again = super::host::this_program()?;
        let output = again.stdin(Stdio::inherit()).output()?;
        Ok(String::from_utf8(output.stdout)?)
    }

    #[endpoint("/health", health_check = HealthCheck)]
    async fn health(&self) -> &'static str {
        "ok"
    }
}

#[derive(Default)]
struct Stubborn;

#[app]
impl Stubborn {
    fn setup() -> Result<Self> {
        mark("setup");
        std::thread::sleep(std::time::Duration::MAX);
        Ok(Self)
    }

    fn handle_exit(&self) {
        mark("handle_exit");
    }

    fn teardown(self) {
        mark("teardown");
    }

    #[endpoint("/")]
    async fn root(&self) -> &'static str {
        "ok"
    }
}

/// As many as tokio's blocking pool has threads by default, and more.
pub(crate) const CROWD: u32 = 530;

#[derive(Default)]
struct Crowd {
    present: Mutex<u32>,
    complete: Condvar,
}

#[app(max_multiplexing = CROWD)]
impl Crowd {
    /// Returns when all have come.
    #[endpoint("/meet")]
    fn meet(&self) -> &'static str {
        let mut present = self.present.lock().unwrap();
        *present += 1;
        self.complete.notify_all();
        drop(self.complete.wait_while(present, |present| *present < CROWD).unwrap());
        "met"
    }
}

#[derive(Default)]
struct Switching;

#[app]
impl Switching {
    fn teardown(self) {
        mark("teardown");
    }

    #[endpoint("/switch", method = GET)]
    async fn switch(&self, upgrade: Upgrade) -> Response {
        upgrade.echo()
    }

    #[endpoint("/switch-blocking", method = GET)]
    fn switch_blocking(&self, upgrade: Upgrade) -> Response {
        upgrade.echo()
    }

    #[endpoint("/quick")]
    async fn quick(&self) -> &'static str {
        mark("quick");
        "ok"
    }
}

/// The connection of a request that asks to switch protocols.
struct Upgrade(OnUpgrade);

impl<S: Sync> FromRequestParts<S> for Upgrade {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.remove().map(Self).ok_or(StatusCode::BAD_REQUEST)
    }
}

impl Upgrade {
    /// Sends each byte back until the client has sent all.
    fn echo(self) -> Response {
        tokio::spawn(async move {
            let stream = TokioIo::new(self.0.await.unwrap());
            let (mut from, mut to) = tokio::io::split(stream);
            // The client may leave.
            let _ = tokio::io::copy(&mut from, &mut to).await;
            mark("echo ended");
        });
        let mut response = Response::default();
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert("connection", "upgrade".parse().unwrap());
        response.headers_mut().insert("upgrade", "echo".parse().unwrap());
        response
    }
}
