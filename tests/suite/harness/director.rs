//! The director: decides what the scripted app does at each call, and records the calls.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use fal_tests::{Answer, Called, DIRECTOR, Head, Question};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::{History, within};

/// Decides what the runners of one test do.
///
/// By default the lifecycle and the checks of a runner succeed, and calls of endpoints wait for the test to answer them.
#[derive(Debug)]
pub(crate) struct Director {
    directory: TempDir,
    script: Script,
    task: JoinHandle<()>,
}

/// The kind of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Setup,
    /// A periodic check.
    Check,
    /// A manual check.
    ManualCheck,
    /// A client's call of the health endpoint.
    HealthCall,
    Call,
    Piece,
    HandleExit,
    Teardown,
}

/// The header that asks for a check (S27).
pub(crate) const ASKS: &str = "x-fal-runner-health-check";

/// The header by which a response asks for the stop of its runner.
pub(crate) const STOPS: &str = "x-fal-stop-runner";

impl Kind {
    /// The kinds that succeed by default.
    const SUCCEED: [Self; 7] = [
        Self::Setup,
        Self::Check,
        Self::ManualCheck,
        Self::HealthCall,
        Self::Piece,
        Self::HandleExit,
        Self::Teardown,
    ];

    fn of(question: &Question) -> Self {
        match &question.called {
            Called::Setup => Self::Setup,
            Called::Health(head) if head.headers.contains_key("x-forwarded-for") => Self::HealthCall,
            Called::Health(head) if head.headers.contains_key(ASKS) => Self::ManualCheck,
            Called::Health(_) => Self::Check,
            Called::Endpoint(..) => Self::Call,
            Called::Piece => Self::Piece,
            Called::HandleExit => Self::HandleExit,
            Called::Teardown => Self::Teardown,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Script {
    asked: History<Question>,
    held: History<Held>,
    orders: Arc<Mutex<Orders>>,
}

/// Default answers by kind and runner, or for all runners without an answer of their own.
type Orders = HashMap<(Kind, Option<u64>), Option<Answer>>;

impl Director {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(socket(directory.path())).unwrap();
        let script = Script::default();
        script.orders.lock().unwrap().extend(Kind::SUCCEED.map(|kind| ((kind, None), Some(Answer::ok()))));
        let task = tokio::spawn(direct(listener, script.clone()));
        Self { directory, script, task }
    }

    /// The environment variables that a fixture needs.
    pub(crate) fn environment(&self) -> (&'static str, PathBuf) {
        (DIRECTOR, socket(self.directory.path()))
    }

    /// Answers every question of this kind from now on.
    pub(crate) fn answer(&self, kind: Kind, answer: impl Into<Answer>) {
        self.order((kind, None), Some(answer.into()));
    }

    /// The same for one runner.
    pub(crate) fn answer_of(&self, runner: u64, kind: Kind, answer: impl Into<Answer>) {
        self.order((kind, Some(runner)), Some(answer.into()));
    }

    /// Lets questions of this kind wait for the test from now on.
    pub(crate) fn hold(&self, kind: Kind) {
        self.order((kind, None), None);
    }

    /// The same for one runner.
    pub(crate) fn hold_of(&self, runner: u64, kind: Kind) {
        self.order((kind, Some(runner)), None);
    }

    fn order(&self, whom: (Kind, Option<u64>), order: Option<Answer>) {
        self.script.orders.lock().unwrap().insert(whom, order);
    }

    /// The oldest waiting question of this kind.
    pub(crate) async fn next(&self, kind: Kind) -> Held {
        self.next_where(&format!("{kind:?}"), |question| Kind::of(question) == kind).await
    }

    /// The same for one runner.
    pub(crate) async fn next_of(&self, runner: u64, kind: Kind) -> Held {
        let what = format!("{kind:?} of runner {runner}");
        self.next_where(&what, |question| Kind::of(question) == kind && question.runner == runner).await
    }

    /// The call of an endpoint with this name.
    pub(crate) async fn call(&self, name: &str) -> Held {
        let is_it =
            |question: &Question| matches!(&question.called, Called::Endpoint(called, _) if called == name);
        self.next_where(&format!("the call {name}"), is_it).await
    }

    async fn next_where(&self, what: &str, is_it: impl Fn(&Question) -> bool) -> Held {
        let take = |held: &mut Vec<Held>| {
            let place = held.iter().position(|held| is_it(&held.question))?;
            Some(held.remove(place))
        };
        self.script.held.find(what, take).await
    }

    /// All questions so far, in order.
    pub(crate) fn asked(&self) -> Vec<Question> {
        self.script.asked.look().clone()
    }

    /// The number of questions of this kind so far, from all runners.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.asked().iter().filter(|question| Kind::of(question) == kind).count()
    }

    /// The same for one runner.
    pub(crate) fn count_of(&self, runner: u64, kind: Kind) -> usize {
        let is_it = |question: &&Question| Kind::of(question) == kind && question.runner == runner;
        self.asked().iter().filter(is_it).count()
    }

    /// Waits until one runner has asked this many questions of a kind.
    pub(crate) async fn asked_times(&self, times: usize, runner: u64, kind: Kind) {
        let is_it = |question: &&Question| Kind::of(question) == kind && question.runner == runner;
        let enough = |asked: &mut Vec<Question>| (asked.iter().filter(is_it).count() >= times).then_some(());
        self.script.asked.find(&format!("{times} {kind:?} of runner {runner}"), enough).await;
    }
}

impl Drop for Director {
    fn drop(&mut self) {
        self.task.abort();
        if std::thread::panicking() {
            eprintln!("what the director was asked: {:#?}", self.script.asked.look());
        }
    }
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("director")
}

async fn direct(listener: UnixListener, script: Script) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(hear(stream, script.clone()));
    }
}

async fn hear(stream: UnixStream, script: Script) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    // Ignore a process that ended while it asked.
    let Ok(1..) = stream.read_line(&mut line).await else { return };
    let Ok(question) = serde_json::from_str::<Question>(&line) else { return };
    let order = {
        let kind = Kind::of(&question);
        let orders = script.orders.lock().unwrap();
        orders.get(&(kind, Some(question.runner))).or_else(|| orders.get(&(kind, None))).cloned().flatten()
    };
    script.asked.add(question.clone());
    let held = Held { question, stream };
    match order {
        Some(answer) => held.answer(answer).await,
        None => script.held.add(held),
    }
}

/// A question that waits for an answer. Dropping it fails the call.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) question: Question,
    stream: BufReader<UnixStream>,
}

impl Held {
    pub(crate) fn runner(&self) -> u64 {
        self.question.runner
    }

    /// The name of the call.
    pub(crate) fn name(&self) -> String {
        self.question.name().expect("a call of an endpoint")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.question.pid
    }

    pub(crate) fn head(&self) -> &Head {
        self.question.head().expect("a call by HTTP")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head().headers.get(name).map(String::as_str)
    }

    pub(crate) async fn answer(self, answer: impl Into<Answer>) {
        let mut line = serde_json::to_vec(&answer.into()).unwrap();
        line.push(b'\n');
        // The process that asked may have exited.
        let _ = self.stream.into_inner().write_all(&line).await;
    }

    pub(crate) async fn succeed(self) {
        self.answer(Answer::ok()).await;
    }

    /// Waits until the caller no longer waits for the answer: the call was dropped, or its process has ended.
    pub(crate) async fn abandoned(mut self) {
        let mut nothing = [0];
        let _ = within("a call to be dropped", self.stream.read(&mut nothing)).await;
    }
}

/// Access to the answer of a question.
pub(crate) trait Asked {
    fn head(&self) -> Option<&Head>;
    fn name(&self) -> Option<String>;
}

impl Asked for Question {
    fn head(&self) -> Option<&Head> {
        match &self.called {
            Called::Health(head) | Called::Endpoint(_, head) => Some(head),
            _ => None,
        }
    }

    fn name(&self) -> Option<String> {
        match &self.called {
            Called::Endpoint(name, _) => Some(name.clone()),
            _ => None,
        }
    }
}
