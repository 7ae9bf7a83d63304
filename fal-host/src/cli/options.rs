use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use super::Failure;
use super::values::{self, Admin, OnStall, Replace};
use crate::HostBuilder;
use crate::host::MaxReplacing;

/// The options of a host, whatever its runners run. Each can be given as an environment variable, too.
#[derive(Debug, Args)]
pub struct HostOptions {
    /// Where to take requests
    ///
    /// An IP address and a port; port 0 lets the system pick one, which is printed. `0.0.0.0:8080` takes requests
    /// from every network.
    #[arg(long, value_name = "ADDRESS", env = "FAL_LISTEN", default_value = "127.0.0.1:8080", value_parser = values::address)]
    pub(super) listen: SocketAddr,

    /// Where to show the state of the runners, or `off`
    ///
    /// `GET /runners` there is the state of every runner, `GET /healthz` the host's own, `GET /readyz` is 200 while
    /// at least one runner takes requests, and `POST /restart` replaces them all. It is not protected: keep it to
    /// networks that you trust.
    #[arg(long, value_name = "ADDRESS", env = "FAL_ADMIN", default_value = "127.0.0.1:9090")]
    pub(super) admin: Admin,

    /// How many runners to keep
    ///
    /// Each is a process with a setup of its own, and serves as many requests at a time as the app's
    /// `max_multiplexing` says.
    #[arg(long, value_name = "COUNT", env = "FAL_RUNNERS", default_value = "1", value_parser = values::count::<u16>)]
    pub(super) runners: u16,

    /// How often to check each runner
    ///
    /// A time with its unit, such as `500ms`, `15s` or `1m`.
    #[arg(long, value_name = "TIME", env = "FAL_CHECK_INTERVAL", default_value = "15s", value_parser = values::interval)]
    pub(super) check_interval: Duration,

    /// How many requests may wait for a runner
    ///
    /// A further one is answered 503 (`queue_full`).
    #[arg(long, value_name = "COUNT", env = "FAL_QUEUE", default_value = "1024", value_parser = values::length)]
    pub(super) queue: usize,

    /// How long a request may wait for a runner
    ///
    /// Then it is answered 504 (`queue_timeout`). A time with its unit.
    #[arg(long, value_name = "TIME", env = "FAL_QUEUE_TIMEOUT", default_value = "60s", value_parser = values::duration)]
    pub(super) queue_timeout: Duration,

    /// How long requests in flight may take when runners end by plan
    ///
    /// Counted from when the host is told to stop to when it tells its runners; their own termination grace period
    /// follows. A time with its unit.
    #[arg(long, value_name = "TIME", env = "FAL_DRAIN_TIMEOUT", default_value = "30s", value_parser = values::duration)]
    pub(super) drain_timeout: Duration,

    /// How many runners may be replaced at a time because periodic checks failed
    ///
    /// Others that fail wait for their turn and keep their requests, so that something that all runners need takes
    /// down a part of them only. Without it a third of the runners, at least one. Failed manual checks and runners
    /// that ended never wait.
    #[arg(long, value_name = "COUNT", env = "FAL_MAX_REPLACING", value_parser = values::count::<u16>)]
    pub(super) max_replacing: Option<u16>,

    /// Replace every runner that fails its checks at once, even if that is all of them
    ///
    /// As a variable it is `true` or `false`.
    #[arg(long, env = "FAL_STRICT", value_parser = values::switch)]
    pub(super) strict: bool,

    /// When a replacement starts
    ///
    /// `beside`: at once, beside the runner that ends. `exclusive`: when that one's process has ended, for devices
    /// that only one may hold; requests wait meanwhile.
    #[arg(long, value_name = "WHEN", env = "FAL_REPLACE", default_value = "beside")]
    pub(super) replace: Replace,

    /// What it is when a runner passes a check while its requests stand still
    ///
    /// `note`: a pass, and a line in the log. `fail`: a failure, `stalled`, which counts as any other does.
    #[arg(long, value_name = "WHAT", env = "FAL_ON_STALL", default_value = "note")]
    pub(super) on_stall: OnStall,
}

impl HostOptions {
    /// How many runners are replaced at a time, as these options have it: where they do not say, a third; none for any
    /// number.
    pub fn max_replacing(&self) -> Option<NonZeroUsize> {
        let bound = match self.max_replacing.and_then(|count| NonZeroUsize::new(count.into())) {
            _ if self.strict => MaxReplacing::Unbounded,
            Some(count) => MaxReplacing::Bound(count),
            None => MaxReplacing::Third,
        };
        bound.of(self.runners())
    }

    fn runners(&self) -> NonZeroUsize {
        NonZeroUsize::new(self.runners.into()).unwrap_or(NonZeroUsize::MIN)
    }

    /// Sets a host as the options say.
    pub(super) fn apply(&self, host: HostBuilder) -> Result<HostBuilder, Failure> {
        if self.listen.port() != 0 && Some(self.listen) == self.admin.into() {
            return Err(Failure::SameAddress(self.listen));
        }
        let host = host
            .listen(self.listen)
            .admin(self.admin.into())
            .runners(self.runners())
            .check_interval(self.check_interval)
            .queue(self.queue)
            .queue_timeout(self.queue_timeout)
            .drain_timeout(self.drain_timeout)
            .replacement(self.replace.into())
            .on_stall(self.on_stall.into());
        match (self.strict, self.max_replacing.and_then(|count| NonZeroUsize::new(count.into()))) {
            (true, Some(_)) => Err(Failure::Bounds),
            (true, None) => Ok(host.strict()),
            (false, Some(count)) => Ok(host.max_replacing(count)),
            (false, None) => Ok(host),
        }
    }
}
