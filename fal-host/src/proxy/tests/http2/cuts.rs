//! Connections of HTTP/2 that are cut at every byte: by their client, and under a stream by its runner.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::yield_now;

use super::client::{Http2Client, answered};
use super::frames::{DATA, END_HEADERS, END_STREAM, FramePeer, HEADERS, SETTINGS, field, frame, get};
use crate::proxy::protocol::PREFACE;
use crate::proxy::tests::abuse::cuts::{Cut, RESPONSES};
use crate::proxy::tests::abuse::{answer_with, assert_unharmed, losses};
use crate::proxy::tests::{Rig, within};

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// What a client sends: a request with a body, with these fields beside the usual ones, and one without a body.
fn requests(further: &[(&str, &str)]) -> Vec<u8> {
    let usual = [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")];
    let fields = usual.iter().chain(further).flat_map(|(name, value)| field(name, value));
    [
        PREFACE.to_vec(),
        frame(SETTINGS, 0, 0, &[]),
        frame(HEADERS, END_HEADERS, 1, &fields.collect::<Vec<_>>()),
        frame(DATA, END_STREAM, 1, b"hello"),
        get(3),
    ]
    .concat()
}

async fn connect(rig: &Rig) -> FramePeer {
    FramePeer { stream: within(TcpStream::connect(rig.address)).await.unwrap() }
}

/// How many responses are whole in what the host has sent.
fn answers(received: &[u8]) -> usize {
    received.windows(11).filter(|frame| frame.starts_with(&[0, 0, 2, DATA]) && frame.ends_with(b"ok")).count()
}

/// Sends both requests, and returns how many bytes the client gets until both are answered.
async fn whole_exchange(rig: &Rig) -> usize {
    let mut peer = connect(rig).await;
    assert!(peer.send(&requests(&[])).await);
    let mut received = Vec::new();
    while answers(&received) < 2 {
        assert!(within(peer.stream.read_buf(&mut received)).await.unwrap() > 0, "both requests are served");
    }
    received.len()
}

#[tokio::test]
async fn a_client_of_http_2_that_cuts_its_frames_at_any_byte_takes_no_permit_along_s51b_s38b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let id = runner.id;
    let (received, mut reached) = mpsc::unbounded_channel();
    let serving = tokio::spawn(answer_with(runner, RESPONSE.to_vec(), received));
    for further in [&[][..], &[("content-length", "5")]] {
        let sent = requests(further);
        for cut in Cut::ALL {
            for length in 0..=sent.len() {
                let mut peer = connect(&rig).await;
                assert!(peer.send(&sent[..length]).await);
                for _ in 0..length % 8 {
                    yield_now().await;
                }
                match cut {
                    Cut::Close => {}
                    Cut::Reset => peer.stream.set_zero_linger().unwrap(),
                    Cut::HalfClose => {
                        peer.stream.shutdown().await.unwrap();
                        while peer.receive().await.is_some() {}
                    }
                }
            }
            assert_unharmed(&mut rig, id).await;
        }
    }
    while let Ok(request) = reached.try_recv() {
        let whole = [&b"GET / "[..], b"POST / "].iter().any(|start| request.starts_with(start));
        let ends = [&b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n"[..], b"\r\n\r\nhello"];
        let is_get = request.starts_with(b"GET / ");
        assert!(whole && (is_get || ends.iter().any(|end| request.ends_with(end))), "{request:?}");
    }
    assert_eq!(losses(&rig, id), 0, "it is not the runner that has left");
    whole_exchange(&rig).await;
    serving.abort();
}

#[tokio::test]
async fn a_client_of_http_2_that_leaves_at_any_byte_of_its_responses_takes_no_permit_along_s51b_s38b() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    let id = runner.id;
    let (requests_of, _received) = mpsc::unbounded_channel();
    let serving = tokio::spawn(answer_with(runner, RESPONSE.to_vec(), requests_of));
    let whole = whole_exchange(&rig).await;
    for cut in [Cut::Close, Cut::Reset] {
        for length in 0..=whole {
            let mut peer = connect(&rig).await;
            assert!(peer.send(&requests(&[])).await);
            let mut received = Vec::new();
            // Compressed fields are not always as long, so this may be the end.
            while received.len() < length && answers(&received) < 2 {
                let mut rest = (&mut peer.stream).take((length - received.len()) as u64);
                assert!(within(rest.read_buf(&mut received)).await.unwrap() > 0);
            }
            if cut == Cut::Reset {
                peer.stream.set_zero_linger().unwrap();
            }
        }
        assert_unharmed(&mut rig, id).await;
    }
    assert_eq!(losses(&rig, id), 0, "it is not the runner that has left");
    whole_exchange(&rig).await;
    serving.abort();
}

#[tokio::test]
async fn a_client_of_http_2_takes_no_response_for_whole_that_its_runner_has_cut_at_any_byte_s51b_s39c_s39d() {
    let mut rig = Rig::new().await;
    let runner = rig.runner();
    for response in RESPONSES {
        let mut client = Http2Client::connect(&rig).await;
        let head = response.rfind("HTTP/").unwrap();
        let head = head + response[head..].find("\r\n\r\n").unwrap() + 4;
        for length in 0..=response.len() {
            let asked = client.get("/");
            let mut connection = runner.accept().await;
            connection.head().await;
            connection.send(&response[..length]).await;
            drop(connection);
            let what = format!("{length} of {response}");
            if length < head {
                let answer = answered(asked).await;
                assert_eq!(
                    (answer.status.as_u16(), answer.error_type().as_str()),
                    (503, "runner_disconnected"),
                    "{what}"
                );
            } else {
                // The end of a stream may overtake the head of its response.
                let answer = within(asked).await.unwrap();
                let is_whole = answer.is_ok_and(|answer| answer.status == 200 && answer.body.is_ok());
                assert_eq!(is_whole, length == response.len(), "{what}");
            }
        }
        assert_unharmed(&mut rig, runner.id).await;
    }
}
