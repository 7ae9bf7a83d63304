//! Runs a host until a signal stops it.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use tokio::sync::mpsc;

use super::banner::Banner;
use super::failure::Failure;
use super::hook::HookThread;
use super::host_options::HostOptions;
use super::inherited;
use super::inherited_sockets::{self, InheritedSockets};
use super::log_origin;
use super::logging;
use super::pid_file::{PidFile, PreparedPidFile};
use super::runtime::{self, ProgramRuntime};
use super::service_manager::ServiceManager;
use super::signals::Signals;
use super::standard_stream::StandardStream;
use super::stop::{Serving, Times};
use super::upgrade::{self, Takeover, UpgradeSettings, Upgrades};
use crate::launch::{UPGRADE_FROM, own_program};
use crate::{HostBuilder, HostHandle};

/// Runs a host until a signal stops it. Blocks; call it at the end of `main`, in a program whose only children are its
/// runners.
///
/// It starts a tokio runtime and calls `host` on it. When the host takes requests, the banner is printed to standard
/// output. The log goes to standard error, filtered by `FAL_LOG` (default `info`).
///
/// SIGTERM and Ctrl-C stop the host. A second one, at least 100 ms after the first, kills the runners
/// ([S41e](fal_health::semantics#s41e)). SIGHUP loads the TLS certificate again and replaces all runners; if standard input
/// is a terminal, SIGHUP stops the host. If the program was started with SIGHUP ignored, as by `nohup`, it stays ignored.
/// SIGTTIN adds a runner, and SIGTTOU removes one, unless standard output or standard error is a terminal
/// ([S76c](fal_health::semantics#s76c)). SIGUSR2 starts the program that is on disk now, which takes over
/// ([S90](fal_health::semantics#s90)). Runners inherit no descriptors except their standard streams.
///
/// Under systemd it reports its state, and uses the sockets that systemd listens on ([S69](fal_health::semantics#s69)).
///
/// Returns exit code 0, 4 if its runners do not start ([S48](fal_health::semantics#s48)), or 130 after a second signal. The
/// errors are those of [`Failure`].
pub fn run(
    banner: Banner<'_>,
    options: &HostOptions,
    host: impl FnOnce() -> Result<HostBuilder, Failure>,
) -> Result<ExitCode, Failure> {
    // What this process has printed until now is in the log of the old host.
    let restored = upgrade::restore_standard_error();
    // An old host writes to the same log.
    log_origin::show(std::env::var_os(UPGRADE_FROM).is_some());
    let log = logging::init(&options.log)?;
    if let Err(error) = restored {
        tracing::warn!(%error, "cannot use the standard error of the old host: this log ends with that host");
    }
    if let Err(error) = inherited::keep_descriptors() {
        tracing::debug!(%error, "cannot list open files: runners may inherit some");
    }
    let InheritedSockets { sockets, takeover } = inherited_sockets::take()?;
    log_origin::show(takeover.is_some());
    if takeover.is_none() {
        inherited_sockets::warn_of_other_addresses(&sockets, options);
    }
    let reporter = takeover.as_ref().map(Takeover::reporter).transpose()?;
    if let Err(error) = own_program() {
        tracing::debug!(%error, "cannot find this program on disk");
    }
    // Before the launcher is made, which gives runners the original limit.
    if let Err(error) = crate::adopt_orphans() {
        tracing::debug!(%error, "cannot adopt orphans: processes that leave a runner's process group will not be found");
    }
    if let Err(error) = crate::raise_open_files() {
        tracing::debug!(%error, "cannot raise the limit on open files");
    }
    #[cfg(feature = "otel")]
    let traces = traces_of(&banner.app.name)?;
    let ProgramRuntime { main, serving } = runtime::start()?;
    let ended = main.block_on(async {
        let mut signals = Signals::install()?;
        let (upgrades, requests) = mpsc::unbounded_channel();
        let builder = sockets.into_iter().fold(host()?, |host, (kind, socket)| host.inherit(kind, socket));
        let builder = options
            .apply(builder)?
            .settings(banner.settings)
            .upgrades(upgrades.clone())
            .serve_on(serving.runtimes());
        #[cfg(feature = "otel")]
        let builder = traces.iter().fold(builder, HostBuilder::traced_by);
        let (manager, events) = (ServiceManager::from_environment(), builder.events());
        title_this_process(&banner.app.name);
        // After a takeover an error would leave no host (S94c).
        let hook = options.on_event.clone().map(|hook| HookThread::spawn(hook, &banner.app.name));
        let mut hook = hook.transpose()?;
        let (host, _pid_file) = match takeover {
            None => {
                // A runner would be started for nothing.
                let pid_file = prepare_pid_file(options)?;
                let host = start(banner, options, builder).await?;
                (host, publish_pid_file(options, pid_file)?)
            }
            Some(takeover) => take_over(takeover, banner, options, builder, &mut signals).await?,
        };
        let settings = UpgradeSettings::of(banner.app, options.replace.into());
        let serving = Serving {
            host: &host,
            signals: &mut signals,
            times: Times { lame_duck: options.lame_duck, drain: options.drain_timeout },
            manager,
            upgrades,
        };
        if let Some(hook) = &mut hook {
            hook.begin(host.event_log());
        }
        let ended = tokio::select! {
            code = serving.until_stopped(Upgrades { requests, settings, manager }) => code,
            () = manager.follow(&host, events) => Err(Failure::UnexpectedExit),
        };
        if let Some(hook) = hook {
            hook.finish();
        }
        #[cfg(feature = "otel")]
        if let Some(traces) = &traces {
            traces.finish(LAST_SPANS);
        }
        if ended.is_ok() {
            tracing::info!("stopped");
        }
        ended
    });
    if let (Err(failure), Some(reporter)) = (&ended, reporter) {
        // The old host knows that the upgrade has failed.
        match failure {
            Failure::Takeover(why) => reporter.failed(why),
            other => reporter.failed(&other.to_string()),
        }
    }
    log.finish();
    ended
}

/// The path with which this program was started. Symbolic links on the way to it are not resolved
/// ([S71c](fal_health::semantics#s71c)).
///
/// # Errors
///
/// When the system does not tell which program runs.
pub fn program_path() -> io::Result<PathBuf> {
    own_program()
}

/// How long the spans that are left may take to be sent when the host stops (S114c).
#[cfg(feature = "otel")]
const LAST_SPANS: std::time::Duration = std::time::Duration::from_secs(1);

/// Sets up the spans that the environment asks for (S111).
#[cfg(feature = "otel")]
fn traces_of(app: &str) -> Result<Option<crate::traces::Traces>, Failure> {
    let service = crate::traces::TracedService { name: app, runner: None };
    let traces = crate::traces::Traces::from_environment(&service)?;
    if let Some(traces) = &traces {
        tracing::info!(endpoint = traces.endpoint(), "spans of requests are sent to a collector");
    }
    Ok(traces)
}

/// Titles this process, as `ps -o comm`, `top` and `pgrep` show it (S60f). The system keeps 15 bytes.
fn title_this_process(app: &str) {
    const KEPT: usize = 15;
    const SUFFIX: &str = ": host";
    let mut end = app.len().min(KEPT - SUFFIX.len());
    while !app.is_char_boundary(end) {
        end -= 1;
    }
    let title = format!("{}{SUFFIX}", app.get(..end).unwrap_or_default());
    // This names the main thread, whichever this one is. Where the system has no such file, the name stays.
    let _ = fs::write("/proc/self/comm", title);
}

async fn start(banner: Banner<'_>, options: &HostOptions, host: HostBuilder) -> Result<HostHandle, Failure> {
    // The banner comes before the first log line.
    let _log = io::stderr().lock();
    let host = host.start().await?;
    print_banner(banner, options, &host);
    Ok(host)
}

/// Starts a host whose doors are opened when its runners take requests and the old host lets it serve (S91).
async fn take_over(
    takeover: Takeover,
    banner: Banner<'_>,
    options: &HostOptions,
    host: HostBuilder,
    signals: &mut Signals,
) -> Result<(HostHandle, Option<PidFile>), Failure> {
    let events = host.events();
    let host = host.runners(takeover.runners()).hold().start().await?;
    let taken = tokio::select! {
        taken = takeover.wait(&host, events) => taken,
        signal = signals.stop() => Err(format!("the new host was told to stop by {signal}")),
    };
    let taken = match taken {
        Ok(taken) => taken,
        Err(why) => {
            host.shutdown();
            host.stopped().await;
            return Err(Failure::Takeover(why));
        }
    };
    if let Some(paused_for) = taken.paused_for() {
        host.pause_after(paused_for);
    }
    host.open_doors().await;
    // The old host has retired: from here on, an error would leave no host (S94c).
    print_banner(banner, options, &host);
    let pid_file = prepare_pid_file(options).and_then(|prepared| publish_pid_file(options, prepared));
    let pid_file = pid_file.unwrap_or_else(|failure| {
        tracing::error!("{failure}; the host serves without it");
        None
    });
    taken.serving(&host).await;
    log_origin::show(false);
    Ok((host, pid_file))
}

fn prepare_pid_file(options: &HostOptions) -> Result<Option<PreparedPidFile>, Failure> {
    let prepared = options.pid_file.as_deref().map(PidFile::prepare).transpose();
    prepared.map_err(|error| pid_file_failure(options, error))
}

fn publish_pid_file(
    options: &HostOptions,
    prepared: Option<PreparedPidFile>,
) -> Result<Option<PidFile>, Failure> {
    let published = prepared.map(PreparedPidFile::publish).transpose();
    published.map_err(|error| pid_file_failure(options, error))
}

fn pid_file_failure(options: &HostOptions, error: io::Error) -> Failure {
    Failure::PidFile { path: options.pid_file.clone().unwrap_or_default(), error }
}

/// Prints to standard output. A host serves without a reader of its banner, and on a full disk.
fn print_banner(banner: Banner<'_>, options: &HostOptions, host: &HostHandle) {
    if options.log.quiet {
        return;
    }
    let mut out = io::stdout().lock();
    match out.write_all(banner.render(host, options).as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let shown = |address: Option<SocketAddr>| address.map(tracing::field::display);
            tracing::error!(
                requests = %host.address(),
                admin = shown(host.admin_address()),
                probes = shown(host.probes_address()),
                %error,
                "cannot write the addresses of the host to {}",
                StandardStream::Output
            );
        }
        _ => {}
    }
}
