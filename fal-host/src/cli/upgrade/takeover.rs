//! The new host of an upgrade: takes over when its runners take requests (S91).

use std::io::{self, BufRead, BufReader, Write};
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::ReadHalf;

use super::hindrance::{HOST_ENDED, runner_ended, serves, what_it_waits_for};
use super::messages::{self, Decision, READY, RESUMED, SERVING};
use crate::fleet::EventKind;
use crate::{EventStream, HostHandle};

/// The host that started this one, and which still serves.
#[derive(Debug)]
pub(in crate::cli) struct Takeover {
    channel: StdUnixStream,
    runners: NonZeroUsize,
}

/// The old host lets this one serve.
#[derive(Debug)]
pub(in crate::cli) struct TakenOver {
    channel: UnixStream,
    paused_for: Option<Duration>,
}

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
        self.channel.set_nonblocking(true).map_err(of_system)?;
        let mut channel = UnixStream::from_std(self.channel).map_err(of_system)?;
        let answer = report(&mut channel, host, &mut events).await?;
        match answer {
            Some(Decision::Serve) => Ok(TakenOver { channel, paused_for: None }),
            Some(Decision::ServePaused(paused_for)) => {
                Ok(TakenOver { channel, paused_for: Some(paused_for) })
            }
            Some(Decision::GiveUp) => {
                let waits = what_it_waits_for(host).await;
                // An error means that the old host has ended.
                let _ = channel.write_all(messages::failed(&waits).as_bytes()).await;
                Err(format!("the old host has given up the upgrade, because the time was up: {waits}"))
            }
            Some(Decision::Stop) => Err("the old host stops, and this one with it".to_owned()),
            None => Err("the old host has ended".to_owned()),
        }
    }
}

impl TakenOver {
    /// For how long the old host has been paused. This one is to be, too, before it serves.
    pub(in crate::cli) fn paused_for(&self) -> Option<Duration> {
        self.paused_for
    }

    /// Tells the old host that this one serves, and later that an operator has resumed it.
    pub(in crate::cli) async fn serving(self, host: &HostHandle) {
        let Self { mut channel, paused_for } = self;
        // An error means that the old host has ended.
        let _ = channel.write_all(SERVING.as_bytes()).await;
        if paused_for.is_some() {
            let resumed = host.resumed();
            tokio::spawn(async move {
                resumed.await;
                // An error means that the old host has ended.
                let _ = channel.write_all(RESUMED.as_bytes()).await;
            });
        }
    }
}

impl Reporter {
    pub(in crate::cli) fn failed(mut self, why: &str) {
        // An error means that the old host has ended.
        let _ = self.0.write_all(messages::failed(why).as_bytes());
    }
}

/// Reports when every replica has a runner in the rotation, and waits for the answer of the old host. There is none if that has
/// ended. The error says why this host will not serve.
async fn report(
    channel: &mut UnixStream,
    host: &HostHandle,
    events: &mut EventStream,
) -> Result<Option<Decision>, String> {
    let (received, mut sent) = channel.split();
    let mut answer = pin!(answer_of_old_host(received));
    tokio::select! {
        complete = complete(host, events) => complete?,
        answer = &mut answer => return Ok(answer),
    }
    sent.write_all(READY.as_bytes()).await.map_err(of_system)?;
    tokio::select! {
        answer = &mut answer => Ok(answer),
        failed = failed(host, events) => Err(failed),
    }
}

async fn answer_of_old_host(mut channel: ReadHalf<'_>) -> Option<Decision> {
    let mut answer = String::new();
    channel.read_to_string(&mut answer).await.ok()?;
    Decision::parse(&answer)
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
fn of_system(error: io::Error) -> String {
    error.to_string()
}

/// Waits until every replica has a runner in the rotation.
async fn complete(host: &HostHandle, events: &mut EventStream) -> Result<(), String> {
    loop {
        let snapshot = host.snapshot().await.ok_or(HOST_ENDED)?;
        let serving = snapshot.runners.iter().filter(|runner| serves(runner)).count();
        if serving >= snapshot.scale.runners.get() {
            return Ok(());
        }
        if let EventKind::Terminated(record) = events.next().await.ok_or(HOST_ENDED)?.kind {
            return Err(runner_ended(host, &record).await);
        }
    }
}

/// Waits until a runner ends.
async fn failed(host: &HostHandle, events: &mut EventStream) -> String {
    loop {
        match events.next().await.map(|event| event.kind) {
            Some(EventKind::Terminated(record)) => return runner_ended(host, &record).await,
            Some(_) => {}
            None => return HOST_ENDED.to_owned(),
        }
    }
}
