//! The units of systemd.

use std::ffi::OsString;
use std::path::Path;

use clap::Args;
use fal_host::cli::{Failure, HostOptions};

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

    /// The name of the unit [default: the name of the app]
    ///
    /// Its directories have it, too, so that a machine can run an app twice. Give the socket unit the same.
    #[arg(long = "name", value_name = "NAME")]
    pub(crate) unit_name: Option<String>,

    #[command(flatten)]
    pub(crate) host: HostOptions,
}

/// The unit that the options ask for. `program` is the path of this program, and `arguments` are those after the subcommand.
///
/// # Errors
///
/// When a unit would show a secret to every user.
pub(crate) fn units(
    app: &Declaration,
    options: &SystemdOptions,
    program: &Path,
    arguments: &[OsString],
) -> Result<String, Failure> {
    let name = unit_name(options.unit_name.as_deref().unwrap_or(app.settings.name()));
    if options.socket {
        return Ok(socket(&name, &options.host.listen().to_string()));
    }
    let times = Times::new(&app.settings, options.host.lame_duck(), options.host.drain_timeout());
    let token = options.host.admin_token_file()?.filter(|file| file.is_absolute());
    let own = own_arguments(arguments);
    Ok(service(Service {
        name: &name,
        app,
        times,
        command: &command_line(program, &own, token),
        access: &access(&options.host, token),
    }))
}

/// A name that systemd takes for a unit and its directories.
fn unit_name(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    name.chars().map(|letter| if is_plain(letter) { letter } else { '-' }).collect()
}

/// The arguments that are options of `run`, too: all except `--socket` and `--name`.
fn own_arguments(arguments: &[OsString]) -> Vec<&OsString> {
    let mut own = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--name" {
            arguments.next();
        } else if argument != "--socket" && !argument.as_encoded_bytes().starts_with(b"--name=") {
            own.push(argument);
        }
    }
    own
}

/// What the user of the service may do that depends on the options.
fn access(host: &HostOptions, token: Option<&Path>) -> String {
    let mut lines = Vec::new();
    if let Some(file) = token {
        lines.push("# systemd reads the admin token, so that root may own its file.".to_owned());
        lines.push(format!("LoadCredential={TOKEN}:{}", file.display()));
    }
    if let Some(group) = host.control_socket_group() {
        lines.push("# The group of the control socket.".to_owned());
        lines.push(format!("SupplementaryGroups={group}"));
    }
    if host.has_tls() {
        lines.push("# The service must be able to read the key and the certificate. Give them to a group, with the mode 0640:".to_owned());
        lines.push("#SupplementaryGroups=ssl-cert".to_owned());
    }
    match host.listen().port() {
        1..1024 => {
            lines.push("# For a port below 1024.".to_owned());
            lines.push("AmbientCapabilities=CAP_NET_BIND_SERVICE".to_owned());
            lines.push("CapabilityBoundingSet=CAP_NET_BIND_SERVICE".to_owned());
        }
        _ => lines.push("CapabilityBoundingSet=".to_owned()),
    }
    lines.join("\n")
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

/// The name of the credential with the admin token.
const TOKEN: &str = "admin-token";

/// The command line in the syntax of systemd. It names the credential in the place of the file of the admin token.
fn command_line(program: &Path, arguments: &[&OsString], token: Option<&Path>) -> String {
    let program = program.to_string_lossy().into_owned();
    let file = token.map(|file| format!("@{}", file.display()));
    let arguments = arguments.iter().map(|argument| {
        let argument = argument.to_string_lossy();
        let before = file.as_deref().and_then(|file| argument.strip_suffix(file));
        match before.filter(|before| before.is_empty() || before.ends_with('=')) {
            Some(before) => format!(
                "{}@${{CREDENTIALS_DIRECTORY}}/{TOKEN}",
                if before.is_empty() { String::new() } else { quoted(before) }
            ),
            None => quoted(&argument),
        }
    });
    [quoted(&program), "run".to_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
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

/// A text as systemd takes it literally, on one line.
fn unit_text(text: &str) -> String {
    text.replace('%', "%%").replace(char::is_control, " ")
}

/// What a service unit says.
struct Service<'a> {
    name: &'a str,
    app: &'a Declaration,
    times: Times,
    command: &'a str,
    access: &'a str,
}

fn service(unit: Service<'_>) -> String {
    let Service { name, app, times, command, access } = unit;
    let description = unit_text(&format!("{} {}", app.settings.name(), app.settings.version()));
    let (startup, start_timeout) = (times.startup, times.startup + START_MARGIN);
    let (stop, explained) = (times.stop(), times.explained_stop());
    format!(
        "\
# Install as /etc/systemd/system/{name}.service:
#   systemctl daemon-reload && systemctl enable --now {name}
# `systemctl reload {name}` replaces all runners, one after another. It is started without the FAL_* variables of a shell: add
# `Environment=`, or print the unit again with options.
[Unit]
Description={description}
Wants=network-online.target
After=network-online.target
# systemd tries again for as long as it takes, for example until an address is free.
StartLimitIntervalSec=0

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
# After an option that the program does not know, it does not try again.
RestartPreventExitStatus=2

# The service has a user of its own, and may write to /var/lib/{name} and to a /tmp of its own.
DynamicUser=yes
StateDirectory={name}
# Relative paths begin here.
WorkingDirectory=/var/lib/{name}
RuntimeDirectory={name}
Environment=XDG_RUNTIME_DIR=/run/{name}
UMask=0077
NoNewPrivileges=yes
{access}
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
