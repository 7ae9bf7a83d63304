//! The new host of an upgrade: takes over when its runners take requests (S91).

use std::io::{self, BufRead, BufReader, Write};
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::messages::{self, READY, SERVE, SERVING};
use crate::fleet::{EventKind, RunnerRecord};
use crate::{EventStream, HostHandle, RunnerState};

/// The host that started this one, and which still serves.
#[derive(Debug)]
pub(in crate::cli) struct Takeover {
    channel: StdUnixStream,
    runners: NonZeroUsize,
}

/// The old host lets this one serve.
#[derive(Debug)]
pub(in crate::cli) struct TakenOver(UnixStream);

/// Tells the old host why this one will not serve.
#[derive(Debug)]
pub(in crate::cli) struct Reporter(StdUnixStream);

impl Takeover {
    /// Reads what the old host says first. It has said it already.
    pub(in crate::cli) fn over(channel: OwnedFd) -> io::Result<Self> {
        let channel = StdUnixStream::from(channel);
        channel.set_nonblocking(false)?;
        let mut first = String::new();
        // The old host says nothing else until this one reports.
        BufReader::new(&channel).read_line(&mut first)?;
        Ok(Self { runners: messages::parse_runners(&first)?, channel })
    }

    /// How many runners the old host keeps.
    pub(in crate::cli) fn runners(&self) -> NonZeroUsize {
        self.runners
    }

    pub(in crate::cli) fn reporter(&self) -> io::Result<Reporter> {
        self.channel.try_clone().map(Reporter)
    }

    /// Waits until every replica has a runner in the rotation, reports that, and waits until the old host lets this one serve.
    /// The error says why it will not.
    pub(in crate::cli) async fn wait(
        self,
        host: &HostHandle,
        mut events: EventStream,
    ) -> Result<TakenOver, String> {
        let of_system = |error: io::Error| error.to_string();
        self.channel.set_nonblocking(true).map_err(of_system)?;
        let mut channel = UnixStream::from_std(self.channel).map_err(of_system)?;
        let mut answer = String::new();
        let (mut received, mut sent) = channel.split();
        let mut said = std::pin::pin!(received.read_to_string(&mut answer));
        tokio::select! {
            complete = complete(host, &mut events) => complete?,
            _ = &mut said => return Err(OLD_HOST_ENDED.to_owned()),
        }
        sent.write_all(READY.as_bytes()).await.map_err(of_system)?;
        tokio::select! {
            _ = &mut said => {}
            failed = failed(&mut events) => return Err(failed),
        }
        if answer == SERVE { Ok(TakenOver(channel)) } else { Err(OLD_HOST_ENDED.to_owned()) }
    }
}

impl TakenOver {
    /// Tells the old host that this one serves.
    pub(in crate::cli) async fn serving(mut self) {
        // An error means that the old host has ended.
        let _ = self.0.write_all(SERVING.as_bytes()).await;
    }
}

const OLD_HOST_ENDED: &str = "the old host has stopped, or has given up the upgrade";

impl Reporter {
    pub(in crate::cli) fn failed(mut self, why: &str) {
        // An error means that the old host has ended.
        let _ = self.0.write_all(messages::failed(why).as_bytes());
    }
}

/// Waits until every replica has a runner in the rotation.
async fn complete(host: &HostHandle, events: &mut EventStream) -> Result<(), String> {
    loop {
        let snapshot = host.snapshot().await.ok_or(HOST_ENDED)?;
        let serves = |state| matches!(state, RunnerState::Idle | RunnerState::Running);
        let serving = snapshot.runners.iter().filter(|runner| serves(runner.state) && !runner.spare).count();
        if serving >= snapshot.scale.runners.get() {
            return Ok(());
        }
        if let EventKind::Terminated(record) = events.next().await.ok_or(HOST_ENDED)?.kind {
            return Err(why(&record));
        }
    }
}

const HOST_ENDED: &str = "the new host has ended";

/// Waits until a runner ends.
async fn failed(events: &mut EventStream) -> String {
    loop {
        match events.next().await.map(|event| event.kind) {
            Some(EventKind::Terminated(record)) => return why(&record),
            Some(_) => {}
            None => return HOST_ENDED.to_owned(),
        }
    }
}

fn why(record: &RunnerRecord) -> String {
    let detail = record.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
    format!("a runner of it has ended with the reason `{}`{detail}", record.reason)
}
