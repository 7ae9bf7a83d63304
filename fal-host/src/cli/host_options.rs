//! The options of a host, shared by `fal-host` and the subcommand `run`.

use std::fs;
use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::byte_size::ByteSize;
use super::control_socket_options::ControlSocketOptions;
use super::failure::Failure;
use super::hook::EventHook;
use super::log_options::LogOptions;
#[cfg(feature = "tls")]
use super::tls_options::TlsOptions;
use super::values::{self, AdminAddress, AdmitOption, EnvOption, GiveUpOption, OnStallOption, ReplaceOption};
use crate::fleet::MaxReplacing;
use crate::{AddressRange, AdminToken, HostBuilder};

/// The options of a host. Each has an environment variable, too.
#[derive(Debug, Args)]
pub struct HostOptions {
    /// The address to listen on for requests
    ///
    /// An IP address and a port. With port 0 the system picks a port, which is printed. `0.0.0.0:8080` accepts
    /// requests from every network.
    #[arg(long, value_name = "ADDRESS", env = "FAL_LISTEN", default_value = "127.0.0.1:8080", value_parser = values::address)]
    pub(super) listen: SocketAddr,

    /// The address of the admin interface, or `off`
    ///
    /// `GET /runners` returns the state of every runner, `GET /metrics` metrics for Prometheus. `GET /healthz` checks the host itself. `GET /readyz` returns
    /// 200 while at least one runner takes requests. It only shows, unless there is an `--admin-token`; the subcommands
    /// that change a host use its Unix socket. Everybody who can reach it may read it: expose it to trusted networks only.
    #[arg(long, value_name = "ADDRESS", env = "FAL_ADMIN", default_value = "127.0.0.1:9090")]
    pub(super) admin: AdminAddress,

    /// The token with which clients may change the host over TCP
    ///
    /// `@FILE` names a file with the token. Give the token itself only in the variable: other users can see options.
    /// Clients send it as `authorization: Bearer TOKEN`.
    #[arg(long, value_name = "TOKEN", env = "FAL_ADMIN_TOKEN", hide_env_values = true)]
    pub(super) admin_token: Option<String>,

    /// The Unix socket.
    #[command(flatten)]
    pub(super) control_socket: ControlSocketOptions,

    /// A file to which to write the process id of the host [default: none]
    ///
    /// After an upgrade it has the id of the new host. It is removed when the host has ended.
    #[arg(long, value_name = "FILE", env = "FAL_PID_FILE")]
    pub(super) pid_file: Option<PathBuf>,

    /// The address of the probes of an orchestrator or a load balancer
    ///
    /// `GET /livez` and `GET /healthz` check the host itself. `GET /readyz` returns 200 while at least one runner takes
    /// requests and the host is not told to stop. Nothing else is answered there, so that other machines may reach it.
    #[arg(long, value_name = "ADDRESS", env = "FAL_PROBES", value_parser = values::address)]
    pub(super) probes: Option<SocketAddr>,

    /// How many runners to run
    ///
    /// Each runner is a process with its own setup. It serves up to `max_multiplexing` requests at a time.
    #[arg(long, value_name = "COUNT", env = "FAL_RUNNERS", default_value = "1", value_parser = values::count::<u16>)]
    pub(super) runners: u16,

    /// How many further runners to keep ready
    ///
    /// A spare passes its checks and takes no requests. When a runner ends or fails, a spare takes its place at once, and
    /// the new runner becomes the spare. Spares have indexes, too.
    #[arg(long, value_name = "COUNT", env = "FAL_SPARES", default_value = "0", value_parser = values::whole_number::<u16>)]
    pub(super) spares: u16,

    /// An environment variable of every runner: `NAME=VALUE`
    ///
    /// `{index}` in the value stands for the index of the runner, from 0: `CUDA_VISIBLE_DEVICES={index}`. A replacement
    /// has the index of the runner that it replaces. The option may be repeated; its environment variable takes one.
    #[arg(long, value_name = "NAME=VALUE", env = "FAL_ENV_EACH")]
    pub(super) env_each: Vec<EnvOption>,

    /// How often to check each runner
    ///
    /// A time with a unit, such as `500ms`, `15s` or `1m`.
    #[arg(long, value_name = "TIME", env = "FAL_CHECK_INTERVAL", default_value = "15s", value_parser = values::interval)]
    pub(super) check_interval: Duration,

    /// When a runner takes requests, in an app with periodic checks
    ///
    /// `first-pass`: after its first passed check. `ready`: as soon as it is ready. Other apps always use `ready`.
    #[arg(long, value_name = "WHEN", env = "FAL_ADMIT", default_value = "first-pass")]
    pub(super) admit: AdmitOption,

    /// How long after a check the next one follows, until a runner's first pass
    ///
    /// A time with a unit. It has no effect with `--admit ready`.
    #[arg(long, value_name = "TIME", env = "FAL_START_CHECK_INTERVAL", default_value = "1s", value_parser = values::interval)]
    pub(super) start_check_interval: Duration,

    /// How long after a failed check the next one follows [default: at its usual time]
    ///
    /// A time with a unit. It applies while the failures in a row are fewer than the failure threshold.
    #[arg(long, value_name = "TIME", env = "FAL_CONFIRM_INTERVAL", value_parser = values::interval)]
    pub(super) confirm_interval: Option<Duration>,

    /// How many requests may wait in the queue
    ///
    /// Further requests get 503 (`queue_full`).
    #[arg(long, value_name = "COUNT", env = "FAL_QUEUE", default_value = "1024", value_parser = values::whole_number::<usize>)]
    pub(super) queue: usize,

    /// How long a request may wait in the queue
    ///
    /// After that it gets 504 (`queue_timeout`). A time with a unit.
    #[arg(long, value_name = "TIME", env = "FAL_QUEUE_TIMEOUT", default_value = "60s", value_parser = values::duration)]
    pub(super) queue_timeout: Duration,

    /// How long a client may stop sending its request or reading its response
    ///
    /// After that it gets 408 (`client_timeout`), or loses its connection. It must transfer at least 240 bytes a second
    /// on average while the host waits for it. A time with a unit.
    #[arg(long, value_name = "TIME", env = "FAL_CLIENT_TIMEOUT", default_value = "60s", value_parser = values::nonzero_duration)]
    pub(super) client_timeout: Duration,

    /// A proxy in front of the host whose `x-forwarded-*`, `forwarded` and `x-real-ip` are kept
    ///
    /// An IP address or a range such as `10.0.0.0/8`. May be given several times, or as a list with commas. What other
    /// clients say in these headers is replaced. Clients behind these proxies share the permits by their own addresses.
    #[arg(long, value_name = "RANGE", env = "FAL_TRUSTED_PROXIES", value_delimiter = ',')]
    pub(super) trusted_proxies: Vec<AddressRange>,

    /// How large the head of a request may be, in bytes
    ///
    /// A larger one gets 431. At least 8192 are allowed.
    #[arg(long, value_name = "BYTES", env = "FAL_MAX_HEAD_SIZE", default_value = "32768", value_parser = values::whole_number::<usize>)]
    pub(super) max_head_size: usize,

    /// How long requests in flight may take during a planned stop or restart
    ///
    /// After that the runner gets SIGTERM, and its termination grace period begins. A time with a unit.
    #[arg(long, value_name = "TIME", env = "FAL_DRAIN_TIMEOUT", default_value = "30s", value_parser = values::duration)]
    pub(super) drain_timeout: Duration,

    /// How long the new runner of a rolling restart must be healthy before the old one is drained
    ///
    /// A time with a unit. The new runner takes requests meanwhile. If it fails, the restart ends and the old runners stay.
    #[arg(long, value_name = "TIME", env = "FAL_MIN_HEALTHY", default_value = "0s", value_parser = values::duration)]
    pub(super) min_healthy: Duration,

    /// How long to accept and serve new connections after the signal to stop
    ///
    /// In this time `/readyz` returns 503 and each response closes its connection, so that load balancers and clients move
    /// to other hosts. Then the host stops. A second signal ends this time. A time with a unit.
    #[arg(long, value_name = "TIME", env = "FAL_LAME_DUCK", default_value = "0s", value_parser = values::duration)]
    pub(super) lame_duck: Duration,

    /// How many runners may be replaced at a time after failed periodic checks [default: a third, at least 1]
    ///
    /// Further unhealthy runners wait for their replacement and keep serving, so that the failure of a shared
    /// dependency does not stop all runners at once. A runner that fails a manual check or ends is replaced
    /// without waiting.
    #[arg(long, value_name = "COUNT", env = "FAL_MAX_REPLACING", value_parser = values::count::<u16>)]
    pub(super) max_replacing: Option<u16>,

    /// Replace every unhealthy runner at once, even if that is all of them
    ///
    /// The environment variable takes `true` or `false`.
    #[arg(long, env = "FAL_STRICT", value_parser = values::boolean)]
    pub(super) strict: bool,

    /// After how many failed starts of each runner in a row to stop, or `never`
    ///
    /// The exit code is then 4. The host never stops so while a runner takes requests. If the option is not given, it is 5
    /// until a runner takes requests for the first time, and then `never`.
    #[arg(long, value_name = "COUNT", env = "FAL_GIVE_UP_AFTER")]
    pub(super) give_up_after: Option<GiveUpOption>,

    /// When a replacement starts
    ///
    /// `start-first`: at once, while the old runner still stops. `stop-first`: after the old process has ended, for
    /// devices that only one process can use; requests wait in the queue meanwhile.
    #[arg(long, value_name = "WHEN", env = "FAL_REPLACE", default_value = "start-first")]
    pub(super) replace: ReplaceOption,

    /// At which memory of a runner to replace it [default: no limit]
    ///
    /// The resident memory of all its processes, with a unit: `512M`, `2G`. Each runner's own limit is up to a tenth lower.
    /// The successor starts first, unless `--replace` says otherwise.
    #[arg(long, value_name = "SIZE", env = "FAL_MAX_MEMORY")]
    pub(super) max_memory: Option<ByteSize>,

    /// At which age of a runner to replace it [default: no limit]
    ///
    /// A time with a unit. Each runner's own limit is up to a tenth lower.
    #[arg(long, value_name = "TIME", env = "FAL_MAX_AGE", value_parser = values::nonzero_duration)]
    pub(super) max_age: Option<Duration>,

    /// After how many requests to replace a runner [default: no limit]
    ///
    /// Each runner's own limit is up to a tenth lower.
    #[arg(long, value_name = "COUNT", env = "FAL_MAX_REQUESTS", value_parser = values::count::<NonZeroU64>)]
    pub(super) max_requests: Option<NonZeroU64>,

    /// How to count a passed check while the runner's requests make no progress
    ///
    /// `fail`: as a failure with the reason `stalled`. `note`: as a pass, with a line in the log.
    #[arg(long, value_name = "WHAT", env = "FAL_ON_STALL", default_value = "fail")]
    pub(super) on_stall: OnStallOption,

    /// After which time without the beginning of a response a request counts as stuck [default: never]
    ///
    /// A time with a unit. If such requests hold all places of a runner, its checks fail with the reason `wedged`. An app
    /// with a request timeout uses that instead.
    #[arg(long, value_name = "TIME", env = "FAL_WEDGED_AFTER", value_parser = values::nonzero_duration)]
    pub(super) wedged_after: Option<Duration>,

    /// A command or a URL that gets the events that an operator should know
    ///
    /// Ends of runners, deferred replacements, backoff, stalls, ends of rolling restarts, and that the host gives up. The command is
    /// run by `sh` with the event as JSON on its standard input; to a URL (`http://…`) the JSON is posted. What fails is tried
    /// again for 5 minutes.
    #[arg(long, value_name = "HOOK", env = "FAL_ON_EVENT", hide_env_values = true)]
    pub(super) on_event: Option<EventHook>,

    #[command(flatten)]
    pub(super) log: LogOptions,

    /// Tell clients how long their requests waited and took, by `server-timing`
    ///
    /// The environment variable takes `true` or `false`.
    #[arg(long, env = "FAL_SERVER_TIMING", value_parser = values::boolean)]
    pub(super) server_timing: bool,

    #[cfg(feature = "tls")]
    #[command(flatten)]
    pub(super) tls: TlsOptions,
}

impl HostOptions {
    /// The most runners that are replaced at a time after failed periodic checks; `None` means no limit. The
    /// default is a third of the runners, at least one ([S40a](fal_health::semantics#s40a)).
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

    /// The token, from its file if `@` precedes the path of one.
    fn admin_token(&self) -> Result<Option<AdminToken>, Failure> {
        let Some(token) = &self.admin_token else { return Ok(None) };
        let token = match token.strip_prefix('@') {
            Some(file) => fs::read_to_string(file)
                .map_err(|error| Failure::AdminToken(format!("cannot read {file:?}: {error}")))?,
            None => token.clone(),
        };
        let token = AdminToken::new(token.trim_end_matches(['\r', '\n']));
        token.map(Some).map_err(|error| Failure::AdminToken(error.to_string()))
    }

    /// Applies the options to a host.
    pub(super) fn apply(&self, host: HostBuilder) -> Result<HostBuilder, Failure> {
        let others = [("--admin", self.admin.into()), ("--probes", self.probes)];
        for (option, address) in others {
            if self.listen.port() != 0 && Some(self.listen) == address {
                return Err(Failure::SameAddress { option, address: self.listen });
            }
        }
        #[cfg(feature = "tls")]
        let host = self.tls.apply(host);
        let host = if self.log.access_log { host.access_log() } else { host };
        let host = if self.server_timing { host.server_timing() } else { host };
        let host = self.env_each.iter().fold(host, |host, env| host.env_each(&env.name, &env.value));
        let host = self.control_socket.apply(host);
        let host = host
            .listen(self.listen)
            .admin(self.admin.into())
            .probes(self.probes)
            .admin_token(self.admin_token()?)
            .runners(self.runners())
            .spares(self.spares.into())
            .check_interval(self.check_interval)
            .admission(self.admit.into())
            .start_check_interval(self.start_check_interval)
            .confirm_interval(self.confirm_interval)
            .queue(self.queue)
            .queue_timeout(self.queue_timeout)
            .client_timeout(self.client_timeout)
            .trusted_proxies(self.trusted_proxies.iter().copied())
            .max_head_size(self.max_head_size)
            .drain_timeout(self.drain_timeout)
            .min_healthy(self.min_healthy)
            .replacement_strategy(self.replace.into())
            .on_stall(self.on_stall.into())
            .max_memory(self.max_memory.map(ByteSize::get))
            .max_age(self.max_age)
            .max_requests(self.max_requests)
            .wedged_after(self.wedged_after)
            .give_up(self.give_up_after.map(Into::into).unwrap_or_default());
        match (self.strict, self.max_replacing.and_then(|count| NonZeroUsize::new(count.into()))) {
            (true, Some(_)) => Err(Failure::ConflictingLimits),
            (true, None) => Ok(host.strict()),
            (false, Some(count)) => Ok(host.max_replacing(count)),
            (false, None) => Ok(host),
        }
    }
}
