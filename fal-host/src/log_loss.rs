//! Log lines that could not be written (S117).

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde::Serialize;

use crate::json::unix_time;

/// Of the log of this process.
pub(crate) static LOG_LOSS: LogLoss = LogLoss::new();

/// Counts the log lines that could not be written.
#[derive(Debug)]
pub(crate) struct LogLoss(Mutex<LogLossState>);

#[derive(Debug)]
struct LogLossState {
    total: u64,
    untold: Option<LostLines>,
}

/// Log lines that are missing, which the log itself has not told yet ([S83h](fal_health::semantics#s83h)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LostLines {
    /// How many they are.
    pub lines: u64,
    /// When the first one was lost. JSON has seconds since the Unix epoch.
    #[serde(serialize_with = "unix_time")]
    pub since: SystemTime,
    /// Why the last one was lost.
    pub cause: String,
}

impl fmt::Display for LostLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lines, since, cause } = self;
        let lines = if *lines == 1 { "1 log line was" } else { &format!("{lines} log lines were") };
        write!(f, "{lines} lost since {}: {cause}", humantime::format_rfc3339_seconds(*since))
    }
}

impl LogLoss {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(LogLossState { total: 0, untold: None }))
    }

    /// A line is lost.
    #[cfg(feature = "cli")]
    pub(crate) fn add(&self, cause: impl Into<String>) {
        let mut state = self.lock();
        state.total += 1;
        let untold = state.untold.get_or_insert_with(|| LostLines {
            lines: 0,
            since: SystemTime::now(),
            cause: String::new(),
        });
        untold.lines += 1;
        untold.cause = cause.into();
    }

    /// The log has a notice of these. Others may have been lost meanwhile.
    #[cfg(feature = "cli")]
    pub(crate) fn told(&self, told: &LostLines) {
        let mut state = self.lock();
        state.untold = state
            .untold
            .take()
            .filter(|untold| untold.lines > told.lines)
            .map(|untold| LostLines { lines: untold.lines - told.lines, since: SystemTime::now(), ..untold });
    }

    /// The lost lines that the log has not told.
    pub(crate) fn untold(&self) -> Option<LostLines> {
        self.lock().untold.clone()
    }

    /// How many lines were lost since the process started.
    pub(crate) fn total(&self) -> u64 {
        self.lock().total
    }

    fn lock(&self) -> MutexGuard<'_, LogLossState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
