//! Runs a host until a signal stops it.

use std::io::{self, Write};
use std::process::ExitCode;

use super::banner::Banner;
use super::failure::Failure;
use super::host_options::HostOptions;
use super::inherited;
use super::inherited_sockets;
use super::logging;
use super::runtime;
use super::service_manager::ServiceManager;
use super::signals::Signals;
use super::stop::until_stopped;
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
/// ([S76c](fal_health::semantics#s76c)). Runners inherit no descriptors except their standard streams.
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
    let log = logging::init(options.log_format)?;
    if let Err(error) = inherited::keep_descriptors() {
        tracing::debug!(%error, "cannot list open files: runners may inherit some");
    }
    let sockets = inherited_sockets::take()?;
    // Before the launcher is made, which gives runners the original limit.
    if let Err(error) = crate::adopt_orphans() {
        tracing::debug!(%error, "cannot adopt orphans: processes that leave a runner's process group will not be found");
    }
    if let Err(error) = crate::raise_open_files() {
        tracing::debug!(%error, "cannot raise the limit on open files");
    }
    let runtime = runtime::build()?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::install()?;
        let builder = sockets.into_iter().fold(host()?, |host, (kind, socket)| host.inherit(kind, socket));
        let builder = options.apply(builder)?;
        let (manager, events) = (ServiceManager::from_environment(), builder.events());
        let host = start(banner, options, builder).await?;
        tokio::select! {
            code = until_stopped(&host, &mut signals, options.lame_duck, manager) => code,
            () = manager.follow(&host, events) => Err(Failure::UnexpectedExit),
        }
    });
    log.finish();
    ended
}

async fn start(banner: Banner<'_>, options: &HostOptions, host: HostBuilder) -> Result<HostHandle, Failure> {
    // The banner comes before the first log line.
    let _log = io::stderr().lock();
    let host = host.start().await?;
    print(&banner.render(&host, options))?;
    Ok(host)
}

/// Prints to standard output; a closed pipe is no error.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}
