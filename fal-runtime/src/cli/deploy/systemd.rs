//! The units of systemd.

use std::ffi::OsString;
use std::path::Path;

use clap::Args;
use fal_host::cli::HostOptions;

use super::times::Times;
use crate::app::Declaration;
use crate::cli::app_option::AppOption;

/// How long the host may be silent before systemd restarts it, in seconds.
const WATCHDOG: u64 = 30;

/// How much longer than the app's `startup_timeout` systemd waits for a start, in seconds. The host reports the failure
/// before.
const START_MARGIN: u64 = 10;

#[derive(Debug, Args)]
pub(crate) struct SystemdOptions {
    #[command(flatten)]
    pub(crate) app: AppOption,

    /// Print the socket unit instead of the service unit
    ///
    /// With it, systemd listens for requests, so that no connection is refused while the service restarts.
    #[arg(long)]
    pub(crate) socket: bool,

    #[command(flatten)]
    pub(crate) host: HostOptions,
}

/// The unit that the options ask for. `program` is the path of this program, and `arguments` are its own options of `run`.
pub(crate) fn units(
    app: &Declaration,
    options: &SystemdOptions,
    program: &Path,
    arguments: &[OsString],
) -> String {
    let name = app.settings.name();
    if options.socket {
        return socket(name, &options.host.listen().to_string());
    }
    let times = Times::new(&app.settings, options.host.lame_duck(), options.host.drain_timeout());
    let capabilities = match options.host.listen().port() {
        1..1024 => PRIVILEGED_PORT,
        _ => "CapabilityBoundingSet=",
    };
    service(app, times, &command_line(program, arguments), capabilities)
}

/// A warning about a program in a directory that the unit cannot see.
pub(crate) fn hidden_from_a_unit(program: &Path) -> Option<String> {
    let hidden = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"];
    hidden.iter().any(|directory| program.starts_with(directory)).then(|| {
        format!(
            "the unit cannot start {}, because it has no access to home directories and a /tmp of its own: install the program, \
             for example in /usr/local/bin, and print the unit with the installed one",
            program.display()
        )
    })
}

/// The command line in the syntax of systemd.
fn command_line(program: &Path, arguments: &[OsString]) -> String {
    let program = program.to_string_lossy().into_owned();
    let arguments = arguments.iter().map(|argument| argument.to_string_lossy().into_owned());
    let words = [program, "run".to_owned()].into_iter().chain(arguments);
    words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ")
}

/// A word that systemd takes literally.
fn quoted(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@,+{}%$".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) { escaped } else { format!("\"{escaped}\"") }
}

fn socket(name: &str, listen: &str) -> String {
    format!(
        "\
# Install as /etc/systemd/system/{name}.socket, next to {name}.service. A service that runs has the port until it is stopped:
#   systemctl daemon-reload
#   systemctl stop {name}
#   systemctl enable --now {name}.socket
#   systemctl start {name}
[Unit]
Description=Socket of {name} for requests

[Socket]
# The service has the same --listen. Its socket is this one.
ListenStream={listen}
FileDescriptorName=requests

[Install]
WantedBy=sockets.target
"
    )
}

/// What a service without root needs to listen on a port below 1024.
const PRIVILEGED_PORT: &str = "\
# For a port below 1024.
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE";

fn service(app: &Declaration, times: Times, command: &str, capabilities: &str) -> String {
    let (name, version) = (app.settings.name(), app.settings.version());
    let (startup, start_timeout) = (times.startup, times.startup + START_MARGIN);
    let (stop, explained) = (times.stop(), times.explained_stop());
    format!(
        "\
# Install as /etc/systemd/system/{name}.service:
#   systemctl daemon-reload && systemctl enable --now {name}
# `systemctl reload {name}` replaces all runners, one after another. It is started without the FAL_* variables of a shell: add
# `Environment=`, or print the unit again with options.
[Unit]
Description={name} {version}
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={command}
# The service is active when the first runner takes requests.
Type=notify
ExecReload=/bin/kill -HUP $MAINPID
# startup_timeout of the app {startup} s + {START_MARGIN} s. Progress that `setup` reports extends it.
TimeoutStartSec={start_timeout}
# {explained}
TimeoutStopSec={stop}
# SIGTERM goes to the host, which stops its runners in order. SIGKILL goes to what is left.
KillMode=mixed
# The host puts each runner into a control group of its own.
Delegate=yes
# The host is restarted if its control thread hangs. Runners have their health check.
WatchdogSec={WATCHDOG}
Restart=always
RestartSec=1

# The service has a user of its own, and may write to /var/lib/{name} and to a /tmp of its own.
DynamicUser=yes
StateDirectory={name}
# Relative paths begin here.
WorkingDirectory=/var/lib/{name}
RuntimeDirectory={name}
Environment=XDG_RUNTIME_DIR=/run/{name}
UMask=0077
NoNewPrivileges=yes
{capabilities}
ProtectSystem=strict
ProtectHome=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateTmp=yes
# For a GPU or another device, write `PrivateDevices=no` and `DeviceAllow=`.
PrivateDevices=yes
# Without `ProtectControlGroups=`: it would forbid the control groups of the runners.
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"
    )
}
