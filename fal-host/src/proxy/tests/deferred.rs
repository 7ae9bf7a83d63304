//! Requests whose write to the runner is deferred.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;

use futures_util::FutureExt;
use http::{Request, Response};
use tokio::net::UnixStream;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::{Peer, Rig, until, within};
use crate::proxy::exchange::{Exchange, Unanswered};
use crate::proxy::queue::QueuePosition;
use crate::proxy::request_body::RequestBody;
use crate::proxy::request_id::RequestIdField;
use crate::proxy::thread::{Thread, ThreadIndex};
use crate::proxy::upstream::{AddedFields, Upstream};
use crate::proxy::writer::Writer;

type Sending = Pin<Box<dyn Future<Output = Result<(Response<()>, Exchange), Unanswered>>>>;

/// A request that is about to be sent, the runner's end of its connection, and the writer.
async fn request(rig: &mut Rig) -> (Sending, Peer<UnixStream>, JoinSet<()>) {
    let mut writers = JoinSet::new();
    let thread = Thread { writer: Writer::start(&mut writers, &Handle::current()), ..Thread::default() };
    let (sending, connection) = request_of(thread, rig).await;
    (sending, connection, writers)
}

/// A request of a client of this thread.
async fn request_of(thread: Thread, rig: &mut Rig) -> (Sending, Peer<UnixStream>) {
    let runner = rig.runner();
    let permit = QueuePosition::default().acquire(&rig.balancer).await.unwrap();
    let mut upstream = Upstream::open(&permit.runner().address, ThreadIndex::default()).await.unwrap();
    let id = RequestIdField::new();
    upstream.begin(
        &mut Request::get("/").body(RequestBody::default()).unwrap(),
        AddedFields { id: &id, sender: "" },
    );
    let client = rig.unserved_client_of(thread).await;
    let sending = Exchange::unwritten(upstream, permit, client).send();
    (Box::pin(sending), runner.accept().await)
}

#[tokio::test]
async fn a_request_is_written_when_the_other_tasks_have_run() {
    let mut rig = Rig::new().await;
    let (mut sending, mut connection, _writers) = request(&mut rig).await;
    assert!(sending.as_mut().now_or_never().is_none());
    assert_eq!(connection.message().await.start, "GET / HTTP/1.1");
    connection.answer("done").await;
    assert_eq!(within(sending).await.unwrap().0.status(), 200);
}

#[tokio::test]
async fn a_request_to_a_runner_that_closes_its_connection_before_the_write_can_be_sent_elsewhere_s39b() {
    let mut rig = Rig::new().await;
    let (mut sending, connection, _writers) = request(&mut rig).await;
    assert!(sending.as_mut().now_or_never().is_none());
    drop(connection);
    assert!(matches!(within(sending).await, Err(Unanswered::Unsent(..))));
}

#[tokio::test]
async fn a_request_that_ends_before_it_is_written_reaches_no_runner_and_releases_its_permit_s38b() {
    let mut rig = Rig::new().await;
    let (mut sending, mut connection, _writers) = request(&mut rig).await;
    assert!(sending.as_mut().now_or_never().is_none());
    drop(sending);
    assert_eq!(rig.balancer.in_flight(rig.last_runner()), 0);
    assert_eq!(connection.rest().await, b"");
}

#[tokio::test]
async fn each_request_is_written_once_although_one_is_taken_back_and_the_next_has_its_number() {
    let mut rig = Rig::new().await;
    let mut writers = JoinSet::new();
    let thread = Thread { writer: Writer::start(&mut writers, &Handle::current()), ..Thread::default() };
    let (mut first, mut to_first) = request_of(thread.clone(), &mut rig).await;
    let (mut second, mut to_second) = request_of(thread, &mut rig).await;
    // The writer has not run between these.
    assert!(first.as_mut().now_or_never().is_none());
    assert!(first.as_mut().now_or_never().is_none());
    assert!(second.as_mut().now_or_never().is_none());
    for (sending, connection) in [(first, &mut to_first), (second, &mut to_second)] {
        assert_eq!(connection.message().await.start, "GET / HTTP/1.1");
        connection.answer("done").await;
        drop(within(sending).await.unwrap());
        assert_eq!(connection.rest().await, b"");
    }
}

#[tokio::test]
async fn a_writer_that_ends_drops_the_clients_whose_responses_are_deferred() {
    let rig = Rig::new().await;
    let mut writers = JoinSet::new();
    let thread = Thread { writer: Writer::start(&mut writers, &Handle::current()), ..Thread::default() };
    let client = rig.unserved_client_of(thread).await;
    client.defer(Waker::noop(), |bytes| bytes.extend_from_slice(b"response"));
    let deferred = Arc::downgrade(&client);
    drop((client, writers));
    until(|| deferred.strong_count() == 0).await;
}
