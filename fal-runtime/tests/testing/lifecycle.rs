//! `TestApp::start` and `TestApp::stop`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use fal_runtime::Progress;
use fal_runtime::prelude::*;
use fal_runtime::testing::TestApp;

/// Tells what is called, and fails where it is told to.
struct Told {
    calls: Mutex<Sender<&'static str>>,
    teardown: Result<(), &'static str>,
}

#[app(termination_grace_period = 1)]
impl Told {
    fn setup() -> Result<Self> {
        Err(Error::msg("the model is not there"))
    }

    async fn handle_exit(&self) {
        tokio::task::yield_now().await;
        self.tell("handle_exit");
    }

    fn teardown(self) -> Result<()> {
        self.tell("teardown");
        self.teardown.map_err(Error::msg)
    }

    #[endpoint("/")]
    async fn nothing(&self) {}

    #[endpoint("/stuck")]
    fn stuck(&self) {
        self.tell("stuck");
        loop {
            std::thread::park();
        }
    }
}

impl Told {
    fn tell(&self, what: &'static str) {
        let _ = self.calls.lock().unwrap().send(what);
    }
}

fn told(teardown: Result<(), &'static str>) -> (TestApp<Told>, Receiver<&'static str>) {
    let (calls, called) = channel();
    (TestApp::of(Told { calls: calls.into(), teardown }).unwrap(), called)
}

#[tokio::test]
async fn a_stopped_app_was_told_and_torn_down_s42a_s42b() {
    let (app, called) = told(Ok(()));
    app.call(Told::nothing, ()).await.unwrap();
    app.post("/").send().await.unwrap();
    app.stop().await.unwrap();
    assert_eq!(called.iter().collect::<Vec<_>>(), ["handle_exit", "teardown"]);
}

#[tokio::test]
async fn a_dropped_app_is_torn_down_too_even_on_a_runtime() {
    let (app, called) = told(Ok(()));
    drop(app);
    assert_eq!(called.iter().collect::<Vec<_>>(), ["handle_exit", "teardown"]);
}

#[test]
fn a_teardown_that_fails_is_an_error_of_stop_and_a_panic_of_drop() {
    let (app, _called) = told(Err("not flushed"));
    assert_eq!(app.stop().wait().unwrap_err().to_string(), "not flushed");
    let (app, _called) = told(Err("not flushed"));
    let panic = catch_unwind(AssertUnwindSafe(|| drop(app))).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert_eq!(text, "the app under test was not torn down: not flushed");
}

#[test]
fn a_call_that_does_not_end_makes_it_skip_teardown_and_is_named_s42c() {
    let (app, called) = told(Ok(()));
    let call = app.call(Told::stuck, ());
    assert_eq!(called.recv().unwrap(), "stuck");
    drop(call);
    let error = app.stop().wait().unwrap_err().to_string();
    assert_eq!(error, "teardown was skipped: after 1s, calls still run: /stuck");
    assert_eq!(called.recv().unwrap(), "handle_exit");
}

#[test]
fn a_setup_that_fails_is_the_error_of_start() {
    let error = TestApp::<Told>::start().wait().unwrap_err();
    assert_eq!(error.to_string(), "the model is not there");
}

struct Loading;

#[app]
impl Loading {
    async fn setup(cx: &Setup) -> Self {
        cx.progress(0.4, "loading weights");
        cx.progress(1.0, "warming up");
        Self
    }

    #[endpoint("/")]
    async fn nothing(&self) {}
}

#[tokio::test]
async fn the_progress_of_setup_can_be_read() {
    let app = TestApp::<Loading>::start().await.unwrap();
    let said = [(0.4, "loading weights"), (1.0, "warming up")];
    let said = said.map(|(fraction, message)| Progress::new(fraction, message));
    assert_eq!(app.setup_progress(), said);
}

/// An app with a runtime of its own, which may only be dropped where blocking is allowed.
struct OwnRuntime {
    runtime: tokio::runtime::Runtime,
}

#[app]
impl OwnRuntime {
    async fn setup() -> Result<Self> {
        // One that is dropped in `setup`, as where it fails.
        drop(tokio::runtime::Runtime::new()?);
        Ok(Self { runtime: tokio::runtime::Runtime::new()? })
    }

    async fn teardown(self) -> Result<()> {
        self.runtime.spawn(async {}).await?;
        Ok(())
    }

    #[endpoint("/")]
    async fn answer(&self) -> Result<u32> {
        Ok(self.runtime.spawn(async { 7 }).await?)
    }
}

#[test]
fn an_app_may_own_a_runtime() -> Result<()> {
    let app = TestApp::<OwnRuntime>::start().wait()?;
    assert_eq!(app.call(OwnRuntime::answer, ()).wait()?, 7);
    app.stop().wait()
}
