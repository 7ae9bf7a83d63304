//! Connections that are cut at every byte of an exchange, in both directions.

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::yield_now;

use super::strict::Strict;
use super::{Peer, Rig, answer_with, assert_unharmed, losses};

const REQUESTS: [&str; 3] = [
    "GET /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    "POST /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello",
    "POST /a HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n5;e=1\r\nhello\r\n0\r\nx-t: 1\r\n\r\n",
];

pub(in crate::proxy::tests) const RESPONSES: [&str; 3] = [
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-a: b\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n5;e=1\r\nhello\r\n0\r\nx-t: 1\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
];

/// How a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy::tests) enum Cut {
    Close,
    Reset,
    /// One side is closed, and the other one is read.
    HalfClose,
}

impl Cut {
    pub(in crate::proxy::tests) const ALL: [Self; 3] = [Self::Close, Self::Reset, Self::HalfClose];

    /// Cuts the connection of a client. Returns what it still reads, if it has closed only its side.
    pub(super) async fn end(self, mut client: Peer<TcpStream>) -> Option<Vec<u8>> {
        match self {
            Self::Close => drop(client),
            Self::Reset => client.reset(),
            Self::HalfClose => {
                client.close_side().await;
                return Some(client.rest().await);
            }
        }
        None
    }
}

#[tokio::test]
async fn a_client_that_cuts_its_request_at_any_byte_takes_no_permit_along_s38b_s43d() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let id = runner.id;
    let (requests, _received) = mpsc::unbounded_channel();
    let response = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec();
    let serving = tokio::spawn(answer_with(runner, response, requests));
    for cut in Cut::ALL {
        for request in REQUESTS {
            for length in 0..=request.len() {
                let mut client = rig.client().await;
                client.send(&request[..length]).await;
                for _ in 0..length % 8 {
                    yield_now().await;
                }
                let Some(answer) = cut.end(client).await else { continue };
                if length == request.len() {
                    let answer = Strict::response(&answer).unwrap();
                    assert_eq!((answer.status(), answer.body.as_slice()), (200, &b"ok"[..]), "{request}");
                } else if let Ok(answer) = Strict::response(&answer) {
                    assert_eq!((answer.status(), answer.is_whole()), (400, true), "{length} of {request}");
                }
            }
            assert_unharmed(&mut rig, id).await;
        }
    }
    assert_eq!(losses(&rig, id), 0, "it is not the runner that has left");
    serving.abort();
}

#[tokio::test]
async fn a_runner_that_cuts_its_response_at_any_byte_gets_no_client_to_take_it_for_whole_s39c_s39d() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    for response in RESPONSES {
        let head = response.rfind("HTTP/").unwrap();
        let head = head + response[head..].find("\r\n\r\n").unwrap() + 4;
        for length in 0..=response.len() {
            let mut client = rig.client().await;
            client.send("GET / HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: close, te\r\n\r\n").await;
            let mut connection = runner.accept().await;
            connection.head().await;
            connection.send(&response[..length]).await;
            drop(connection);
            let answer = Strict::response(&client.rest().await).unwrap();
            if length < head {
                assert_eq!((answer.status(), answer.is_whole()), (503, true), "{length} of {response}");
            } else {
                let is_whole = length == response.len();
                assert_eq!((answer.status(), answer.is_whole()), (200, is_whole), "{length} of {response}");
            }
        }
        assert_unharmed(&mut rig, runner.id).await;
    }
}

#[tokio::test]
async fn a_runner_that_leaves_at_any_byte_of_a_request_loses_no_permit_s38b_s39c() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    for request in REQUESTS {
        // The fields that the host adds follow.
        for length in 0..=request.len() {
            let mut client = rig.client().await;
            client.send(request).await;
            let mut connection = runner.accept().await;
            connection.read_only(length).await;
            drop(connection);
            let answer = Strict::response(&client.rest().await).unwrap();
            assert_eq!((answer.status(), answer.is_whole()), (503, true), "{length} of {request}");
        }
        assert_unharmed(&mut rig, runner.id).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_at_any_byte_of_a_response_takes_no_permit_along_s38b_s43d() {
    for response in RESPONSES {
        let mut rig = Rig::new().await;
        let runner = rig.runner();
        let id = runner.id;
        let (requests, _received) = mpsc::unbounded_channel();
        let serving = tokio::spawn(answer_with(runner, response.into(), requests));
        let request = "GET / HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: close, te\r\n\r\n";
        let mut client = rig.client().await;
        client.send(request).await;
        let whole = client.rest().await.len();
        for cut in [Cut::Close, Cut::Reset] {
            for length in 0..=whole {
                let mut client = rig.client().await;
                client.send(request).await;
                client.read_only(length).await;
                if cut == Cut::Reset {
                    client.reset();
                }
            }
        }
        assert_unharmed(&mut rig, id).await;
        assert_eq!(losses(&rig, id), 0, "it is not the runner that has left");
        serving.abort();
    }
}
