//! What the scripted fixture and the tests that direct it say to each other.
//!
//! The fixture is an app that decides nothing. Whenever it is called, be it by a client, by a health check or by its
//! own lifecycle, it connects to the director in the test's process, sends one [`Question`], and does what the
//! [`Answer`] says. So a test waits for a call to arrive, decides what becomes of it, and sees what follows: nothing
//! has to sleep. Each is one line of JSON.

mod end_with_test;

use std::collections::BTreeMap;

pub use end_with_test::end_with_test;
use serde::{Deserialize, Serialize};

/// The variable that tells a fixture where its director listens: the path of a Unix socket.
pub const DIRECTOR: &str = "FIXTURE_DIRECTOR";

/// What a fixture asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its id at its host; 0 where it has none.
    pub runner: u64,
    /// Its index among the runners of its host.
    pub index: Option<usize>,
    /// Its process.
    pub pid: u32,
    /// Where its host told it to listen; empty where it has none.
    pub listen: String,
    /// What has been called.
    pub called: Called,
}

/// What has been called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Called {
    /// `setup`.
    Setup,
    /// The health endpoint.
    Health(Head),
    /// An ordinary endpoint, by the request of this name.
    Endpoint(String, Head),
    /// The next piece of a streaming response is due.
    Piece,
    /// `handle_exit`.
    HandleExit,
    /// `teardown`.
    Teardown,
}

/// The part of a request that a fixture sees in addition to the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its method.
    pub method: String,
    /// By lower-case name. Several of one name are joined by commas.
    pub headers: BTreeMap<String, String>,
}

/// What a fixture is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Before anything else: values of the header that asks for a manual check.
    pub ask: Vec<Vec<u8>>,
    /// Values of the header that asks for the stop of the runner.
    pub stop: Vec<Vec<u8>>,
    /// Then this.
    pub act: Act,
}

/// How a call goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// It succeeds.
    Succeed,
    /// It returns an error with this text.
    Fail(String),
    /// It returns an error with this status, and with this text for the client.
    Refuse(u16, String),
    /// It panics with this text.
    Panic(String),
    /// It answers with this status.
    Status(u16),
    /// It ends the process with this code.
    Exit(i32),
    /// It aborts the process.
    Abort,
    /// It starts a process that ignores SIGTERM, and succeeds.
    Fork,
    /// It starts a process that leaves its process group, and succeeds.
    Escape,
    /// It succeeds, and nothing is left to do: the end of a streaming response.
    End,
}

impl Answer {
    /// Success.
    pub fn ok() -> Self {
        Act::Succeed.into()
    }

    /// An error.
    pub fn fail() -> Self {
        Act::Fail("told to fail".to_owned()).into()
    }

    /// A panic.
    pub fn panic() -> Self {
        Act::Panic("told to panic".to_owned()).into()
    }

    /// The same, and it asks for a manual check first.
    #[must_use]
    pub fn asking(self) -> Self {
        self.asking_by(&["true"])
    }

    /// The same, and it sends these values of the header first.
    #[must_use]
    pub fn asking_by<V: AsRef<[u8]>>(mut self, values: &[V]) -> Self {
        self.ask.extend(values.iter().map(|value| value.as_ref().to_owned()));
        self
    }

    /// The same, and it asks for the stop of its runner first.
    #[must_use]
    pub fn stopping(mut self) -> Self {
        self.stop.push(b"true".to_vec());
        self
    }
}

impl From<Act> for Answer {
    fn from(act: Act) -> Self {
        Self { ask: Vec::new(), stop: Vec::new(), act }
    }
}
