//! Replacements under constant traffic: S33, S35, S38, S39.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fal_host::Reason;
use fal_tests::{Answer, Called};
use futures_util::future::join_all;
use rustix::process::Signal;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::harness::*;

/// Clients that send one request after another, half of them over reused connections.
struct Traffic {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Vec<Response>>>,
    /// How many responses each client has got.
    answered: Vec<watch::Receiver<usize>>,
}

/// The number of requests at a time.
const CLIENTS: usize = 6;

impl Traffic {
    fn start(host: &TestHost) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let client = |number: usize| {
            let (address, stop) = (host.address(), Arc::clone(&stop));
            let (count, answered) = watch::channel(0);
            let client = tokio::spawn(async move {
                let mut responses = Vec::new();
                let mut client = Client::tcp(address).await;
                while !stop.load(Ordering::Relaxed) {
                    if number.is_multiple_of(2) {
                        client = Client::tcp(address).await;
                    }
                    let name = format!("{number}-{}", responses.len());
                    responses.push(client.exchange(&Request::call(&name)).await);
                    count.send_replace(responses.len());
                }
                responses
            });
            (client, answered)
        };
        let (clients, answered) = (0..CLIENTS).map(client).unzip();
        Self { stop, clients, answered }
    }

    /// Waits until every request that is in flight now has been answered.
    async fn in_flight_answered(&self) {
        for answered in &self.answered {
            let (mut answered, before) = (answered.clone(), *answered.borrow());
            within("a response", answered.wait_for(|count| *count > before)).await.unwrap();
        }
    }

    /// Ends it, and returns every response.
    async fn responses(self) -> Vec<Response> {
        self.stop.store(true, Ordering::Relaxed);
        let responses = within("the clients", join_all(self.clients)).await;
        responses.into_iter().flat_map(Result::unwrap).collect()
    }
}

/// The number of requests that have reached a runner. Fails if one has twice.
fn called_once(director: &Director) -> usize {
    let mut names = BTreeSet::new();
    for question in director.asked() {
        if let Called::Endpoint(name, _) = question.called {
            assert!(names.insert(name.clone()), "{name} was sent twice");
        }
    }
    names.len()
}

#[tokio::test]
async fn no_request_is_lost_when_runners_are_restarted_or_replaced_by_verdict_s33b_s33d_s38d() {
    let director = Director::new();
    director.answer(Kind::Call, Answer::ok());
    let two = NonZeroUsize::new(2).unwrap();
    let app = serving_at_a_time(2, health().failure_threshold(1));
    let host = TestHost::start_with(&director, app, |builder| builder.runners(two)).await;
    let traffic = Traffic::start(&host);
    host.checked(1, 1).await;
    host.checked(2, 1).await;
    // A restart of both, then verdicts on both, then another restart.
    host.handle.restart();
    for runner in [1, 2] {
        assert_eq!(host.ended(runner).await.reason, Reason::Restarted);
    }
    for runner in [3, 4] {
        host.checked(runner, 1).await;
        director.answer_of(runner, Kind::Check, Answer::fail());
        assert_eq!(host.ended(runner).await.reason, Reason::Unhealthy);
    }
    host.checked(5, 1).await;
    host.checked(6, 1).await;
    host.handle.restart();
    for runner in [5, 6] {
        assert_eq!(host.ended(runner).await.reason, Reason::Restarted);
    }
    let responses = traffic.responses().await;
    for response in &responses {
        assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
    }
    assert_eq!(called_once(&director), responses.len());
}

#[tokio::test]
async fn a_crash_loses_only_what_was_sent_there_and_nothing_is_sent_twice_s34_s39a_s39c() {
    let director = Director::new();
    director.answer(Kind::Call, Answer::ok());
    let two = NonZeroUsize::new(2).unwrap();
    // Its checks also fail, and must not end it first.
    let app = serving_at_a_time(2, health().failure_threshold(1000));
    let host = TestHost::start_with(&director, app, |builder| builder.runners(two)).await;
    let traffic = Traffic::start(&host);
    let crashes = 6;
    for runner in 1..=crashes {
        host.checked(runner, 1).await;
        Process::new(host.started(runner).await.0).signal(Signal::KILL);
        assert_eq!(host.ended(runner).await.reason, Reason::Exited);
    }
    host.checked(crashes + 1, 1).await;
    let responses = traffic.responses().await;
    for response in responses.iter().filter(|response| response.status != 200) {
        assert_eq!((response.status, response.error_type().as_str()), (503, "runner_disconnected"));
    }
    assert!(called_once(&director) <= responses.len());
}

#[tokio::test]
async fn two_hundred_crashes_lose_no_idempotent_request_s59a() {
    let director = Director::new();
    director.answer(Kind::Call, Answer::ok());
    let three = NonZeroUsize::new(3).unwrap();
    // The other two runners have a permit for every client, so that no request is sent again to a runner that is still dying.
    let permits = u32::try_from(CLIENTS / 2).unwrap();
    let app = serving_at_a_time(permits, health().failure_threshold(1000)).idempotent([("POST", "/call")]);
    let host = TestHost::start_with(&director, app, |builder| builder.runners(three)).await;
    let traffic = Traffic::start(&host);
    for runner in 1..=200 {
        for serving in runner..runner + 3 {
            host.ready(serving).await;
        }
        Process::new(host.started(runner).await.0).signal(Signal::KILL);
        assert_eq!(host.ended(runner).await.reason, Reason::Exited);
        // A request is sent at most twice, so the next crash must not lose it as well.
        traffic.in_flight_answered().await;
    }
    let responses = traffic.responses().await;
    for response in &responses {
        assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
    }
    let sent =
        director.asked().into_iter().filter(|question| matches!(question.called, Called::Endpoint(..)));
    assert!(sent.count() > responses.len(), "some were sent twice");
}
