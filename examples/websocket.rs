//! Counts the words of each message that a client sends over a WebSocket.
//!
//! Run `cargo run --example websocket`, and open `ws://localhost:8080/words` in a client of WebSocket, or in the console of a
//! browser:
//!
//! ```js
//! const socket = new WebSocket("ws://localhost:8080/words");
//! socket.onmessage = ({ data }) => console.log(data);
//! socket.onopen = () => socket.send("Guten Morgen");
//! ```

use fal_runtime::answer::Response;
use fal_runtime::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use fal_runtime::extract::{Bytes, WebSocketUpgrade};
use fal_runtime::prelude::*;
use tokio::sync::watch;

#[derive(Default)]
struct WordCount {
    is_stopping: watch::Sender<bool>,
}

#[app(max_multiplexing = 100)]
impl WordCount {
    /// Counts words.
    #[endpoint("/words", method = GET)]
    async fn words(&self, upgrade: WebSocketUpgrade) -> Response {
        let stop = stop(self.is_stopping.subscribe());
        upgrade.on_upgrade(async move |mut socket| {
            tokio::select! {
                () = count(&mut socket) => {}
                () = stop => {
                    let away = CloseFrame { code: close_code::AWAY, reason: "the server stops".into() };
                    // The client may have left.
                    let _ = socket.send(Message::Close(Some(away))).await;
                }
            }
        })
    }

    #[endpoint("/health", health_check = HealthCheck())]
    async fn health(&self) -> &'static str {
        "ok"
    }

    fn handle_exit(&self) {
        self.is_stopping.send_replace(true);
    }
}

async fn count(socket: &mut WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        let answer = match message {
            Message::Text(text) => Message::text(text.split_whitespace().count().to_string()),
            Message::Binary(bytes) => Message::Binary(Bytes::from(bytes.len().to_string())),
            _ => continue,
        };
        if socket.send(answer).await.is_err() {
            break;
        }
    }
}

async fn stop(mut is_stopping: watch::Receiver<bool>) {
    // It is an error if the app is dropped.
    let _ = is_stopping.wait_for(|is_stopping| *is_stopping).await;
}

fn main() -> ExitCode {
    fal_runtime::main()
}
