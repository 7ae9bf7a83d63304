//! Delivers events one after another, and tries again after a failure.

use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use super::destination::EventHook;
use super::pace::Pace;
use super::{command, post};

/// How long one delivery may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The pause after the first failure. It doubles with each one, up to the longest pause.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// For how long delivery of an event is tried.
const GIVE_UP_AFTER: Duration = Duration::from_secs(300);

/// Delivers events until the queue is closed and empty.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) hook: EventHook,
    /// When the host has stopped, nothing waits any more, and each event is tried once.
    pub(super) stopped: watch::Receiver<bool>,
}

impl Delivery {
    pub(super) async fn run(mut self, mut events: mpsc::Receiver<Value>) {
        let mut pace = Pace::new(Instant::now());
        while let Some(event) = events.recv().await {
            self.pause(pace.take(Instant::now())).await;
            self.deliver(&event).await;
        }
    }

    async fn deliver(&mut self, event: &Value) {
        let (text, began, mut pause) = (event.to_string(), Instant::now(), FIRST_PAUSE);
        let (number, kind) =
            (event.get("id").and_then(Value::as_u64), event.get("kind").and_then(Value::as_str));
        while let Err(error) = attempt(&self.hook, &text).await {
            let hook = &self.hook;
            if *self.stopped.borrow() || began.elapsed() + pause > GIVE_UP_AFTER {
                tracing::warn!(event = number, kind, %hook, %error, "the event hook failed: this event is not delivered");
                return;
            }
            if pause == FIRST_PAUSE {
                tracing::warn!(event = number, kind, %hook, %error, "the event hook failed: it is tried again for 5 min");
            } else {
                tracing::debug!(event = number, kind, %hook, %error, "the event hook failed again");
            }
            self.pause(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits, but not when the host has stopped.
    async fn pause(&mut self, pause: Duration) {
        tokio::select! {
            () = sleep(pause) => {}
            // The sender lives as long as the thread of the hook.
            _ = self.stopped.wait_for(|stopped| *stopped) => {}
        }
    }
}

async fn attempt(hook: &EventHook, event: &str) -> io::Result<()> {
    let delivery = async {
        match hook {
            EventHook::Command(command) => command::run(command, event).await,
            EventHook::Url(url) => post::post(url, event).await,
        }
    };
    let late = || io::Error::new(io::ErrorKind::TimedOut, format!("it has not ended within {TIMEOUT:?}"));
    timeout(TIMEOUT, delivery).await.unwrap_or_else(|_| Err(late()))
}
