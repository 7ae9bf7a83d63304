//! What the tests tell the hostile program to do wrong. Both sides read this file.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The variable with the [`Start`]s of runners that have one, by their ids, as JSON.
pub(crate) const STARTS: &str = "HOSTILE_STARTS";

/// The variable with the path of a file that health depends on: without it every check is answered 500.
pub(crate) const DEPENDENCY: &str = "HOSTILE_DEPENDENCY";

/// Who starts in which wrong way.
pub(crate) type Starts = BTreeMap<u64, Start>;

/// How a runner begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Start {
    /// It never opens a listener and says nothing.
    NeverListens,
    /// The same, and it ignores SIGTERM.
    NeverListensNorEnds,
    /// It says that it is ready and listens nowhere.
    OnlySaysReady,
    /// It ends before it is ready, without a message.
    Dies,
    /// It says that it is ready, listens, and ends.
    DiesWhenReady,
    /// It passes its checks and ends at its first request.
    DiesAtFirstRequest,
    /// What it says on the control channel is mostly noise.
    Babbles,
    /// It closes the control channel once it is ready.
    ClosesItsChannel,
}

/// How checks are answered from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Check {
    /// As they should be.
    Well,
    /// The listener's backlog is full, and stays so.
    NeverAccepted,
    /// Connections are taken and not read from.
    NeverRead,
    /// Requests are read and not answered.
    NeverAnswered,
    /// The answer comes a byte a second.
    Dripping,
    /// The answer comes half a second after the deadline of two seconds.
    TooLate,
    /// The head of the answer does not end.
    EndlessHead,
    /// The body of the answer does not end.
    EndlessBody,
    /// The body of a failure does not end.
    EndlessFailure,
    /// The length of the answer is no number.
    WrongFraming,
    /// The answer is not HTTP.
    Noise,
    /// The connection closes without a byte.
    Closed,
    /// The connection breaks off within the body.
    BrokenOff,
    /// The connection is reset within the body.
    Reset,
    /// Interim responses without an end.
    Informed,
    /// It redirects without end.
    Redirected,
    /// The head of a success comes, and nothing after it.
    HeadOnly,
    /// The runner closes its sending side and goes on reading.
    HalfClosed,
    /// The same, after a complete answer.
    HalfClosedAfterwards,
    /// Every other check fails.
    Alternating,
    /// Every check fails.
    Failing,
    /// Every check passes and reports that the runner's requests are stalled.
    Stalled,
    /// The runner has no descriptor left to take a connection with.
    WithoutDescriptors,
}

/// How one request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// Not at all.
    Never,
    /// The connection closes without a byte.
    Closed,
    /// The connection is reset within the body.
    Reset,
    /// The head does not end.
    EndlessHead,
    /// The body does not end.
    EndlessBody,
    /// The length of the answer is no number.
    WrongFraming,
    /// Interim responses without an end.
    Informed,
    /// This very place is named.
    Redirected,
    /// The runner closes its sending side after a complete answer, and goes on reading.
    HalfClosed,
    /// It succeeds and asks for a manual check.
    Asking,
}

/// What the runner does when it has answered a request well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Deed {
    /// It ends with status 9.
    Exit,
    /// It stops itself by SIGSTOP.
    Stop,
    /// It ignores SIGTERM from now on.
    IgnoreTerm,
    /// It prints without a pause.
    FloodTheLog,
    /// It prints every byte there is, and no end of a line.
    PrintBinary,
    /// It allocates more than it may.
    ExhaustMemory,
    /// It has started many processes that ignore SIGTERM, which the answer names.
    Fork,
    /// It removes the files of its sockets.
    DeleteSockets,
    /// It answers no request from now on, and passes its checks.
    Deadlock,
    /// It allocates a lot of memory, keeps it, and serves on.
    Leak,
}

/// A fault's name, in the path of a request.
pub(crate) fn name(fault: impl Serialize) -> Option<String> {
    serde_json::to_value(fault).ok()?.as_str().map(str::to_owned)
}

/// The fault of this name.
pub(crate) fn named<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(name.into()).ok()
}
