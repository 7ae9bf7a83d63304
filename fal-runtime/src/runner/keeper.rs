use std::fmt::Display;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use fal_health::protocol::{ListenAddress, Message};

use super::Exit;
use super::control::Control;
use crate::cli::describe;
use crate::server::ReadTimeout;
use crate::{Declaration, Setup};

/// How long a client that no host stands in front of may keep a connection without sending a request on it.
const CLIENT_READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Who started a runner, and hears how it fares.
#[derive(Debug)]
pub(crate) enum Keeper {
    /// A host, over the control channel.
    Host(Arc<Control>),
    /// A person or a service manager, on standard output.
    Terminal,
}

impl Keeper {
    /// What the app's `setup` is given: its reports come here.
    pub(super) fn setup(&self) -> Setup {
        match self {
            Self::Host(control) => {
                let control = Arc::clone(control);
                Setup::new(move |progress| control.send(&Message::Progress(progress.clone())))
            }
            Self::Terminal => Setup::default(),
        }
    }

    pub(super) fn ready(&self, app: &Declaration, address: &ListenAddress) {
        match self {
            Self::Host(control) => control.send(&Message::Ready {}),
            Self::Terminal => {
                let mut out = io::stdout().lock();
                // Who has closed standard output does not want to read it.
                let _ = write!(out, "{}", describe::banner(app, address)).and_then(|()| out.flush());
            }
        }
    }

    pub(super) fn not_started(&self, error: &dyn Display) -> Exit {
        if let Self::Host(control) = self {
            control.send(&Message::failed(&error.to_string()));
        }
        not_started(error)
    }

    pub(super) fn setup_failed(&self, app: &Declaration, error: &dyn Display) -> Exit {
        if let Self::Host(control) = self {
            control.send(&Message::failed(&error.to_string()));
        }
        complain(&format_args!("setup of {} failed: {error}", app.settings.name()));
        Exit::SetupFailed
    }

    pub(super) fn read_timeout(&self) -> ReadTimeout {
        match self {
            Self::Host(_) => ReadTimeout::Unlimited,
            Self::Terminal => ReadTimeout::After(CLIENT_READ_TIMEOUT),
        }
    }
}

/// Says that there will be no runner, where nobody but the reader of standard error can be told.
pub(super) fn not_started(error: &dyn Display) -> Exit {
    complain(error);
    Exit::NotStarted
}

/// Not through the log: what ends a process is said whatever the log is set to.
fn complain(error: &dyn Display) {
    let _ = writeln!(io::stderr(), "error: {error}");
}
