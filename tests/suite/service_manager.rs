//! A host that systemd has started: S69. The test plays systemd.

use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use rustix::process::Signal;
use tokio::net::UnixDatagram;
use tokio::process::Command;

use crate::harness::*;

/// The socket on which a service manager gets reports.
struct Reports(UnixDatagram);

impl Reports {
    fn at(path: &Path) -> Self {
        Self(UnixDatagram::bind(path).unwrap())
    }

    async fn next(&self) -> String {
        let mut report = [0; 4096];
        let length = within("a report", self.0.recv(&mut report)).await.unwrap();
        String::from_utf8(report[..length].to_vec()).unwrap()
    }

    /// Waits for a report with this line. Returns the reports until then.
    async fn until(&self, line: &str) -> Vec<String> {
        let mut reports = Vec::new();
        loop {
            reports.push(self.next().await);
            if reports.last().unwrap().lines().any(|one| one.starts_with(line)) {
                return reports;
            }
        }
    }
}

#[tokio::test]
async fn a_host_reports_readiness_progress_status_reloads_and_its_stop_s69a() {
    let (director, directory) = (Director::new(), tempfile::tempdir().unwrap());
    let path = directory.path().join("notify");
    let reports = Reports::at(&path);
    director.hold(Kind::Setup);
    let mut command = fixture(&director);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "100000");
    command.args(["run", "--app=scripted", "--listen=127.0.0.1:0", "--admin=off"]);
    let mut host = Program::start(&mut command);
    let setup = director.next(Kind::Setup).await;
    reports.until("EXTEND_TIMEOUT_USEC=60000000").await;
    let before = reports.until("STATUS=0 of 1 runners take requests, 0 requests in flight").await;
    assert!(before.iter().all(|report| !report.contains("READY=1")), "{before:?}");
    setup.succeed().await;
    let ready = reports.until("READY=1").await;
    assert!(ready.last().unwrap().contains("STATUS=1 of 1 runners take requests"), "{ready:?}");
    let served = reports.until("STATUS=1 of 1 runners take requests").await;
    assert!(served.last().unwrap().contains("WATCHDOG=1"), "{served:?}");

    host.signal(Signal::HUP);
    let reloading = reports.until("RELOADING=1").await;
    assert!(reloading.last().unwrap().contains("MONOTONIC_USEC="), "{reloading:?}");
    let setup = director.next(Kind::Setup).await;
    setup.succeed().await;
    reports.until("READY=1").await;
    host.stderr.line("IDLE runner=2").await;

    let slow = host.call("slow").await;
    let call = director.call("slow").await;
    host.signal(Signal::TERM);
    reports.until("STOPPING=1").await;
    call.succeed().await;
    assert_eq!(slow.response().await.status, 200);
    assert_eq!(host.exit().await, Some(0));
}

#[tokio::test]
async fn the_socket_of_a_service_manager_may_have_an_abstract_name_s69a() {
    let director = Director::new();
    // A name that only this test has.
    let name = format!("fal-notify-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let socket = std::os::unix::net::UnixDatagram::bind_addr(&address).unwrap();
    socket.set_nonblocking(true).unwrap();
    let reports = Reports(UnixDatagram::from_std(socket).unwrap());
    let mut command = fixture(&director);
    command.env("NOTIFY_SOCKET", format!("@{name}"));
    command.args(["run", "--app=scripted", "--listen=127.0.0.1:0", "--admin=off"]);
    let _host = Program::start(&mut command);
    reports.until("READY=1").await;
}

#[tokio::test]
async fn a_host_serves_without_its_service_manager_and_says_so_once_s69a() {
    let (director, directory) = (Director::new(), tempfile::tempdir().unwrap());
    let mut command = fixture(&director);
    command.env("NOTIFY_SOCKET", directory.path().join("missing")).env("WATCHDOG_USEC", "1000");
    command.args(["run", "--app=scripted", "--listen=127.0.0.1:0", "--admin=off"]);
    let mut host = Program::start(&mut command);
    host.stderr.line("IDLE: takes requests runner=1").await;
    host.stderr.line("cannot report to the service manager").await;
    host.signal(Signal::TERM);
    assert_eq!(host.exit().await, Some(0));
    let log = host.stderr.text();
    assert_eq!(log.matches("cannot report to the service manager").count(), 1, "{log}");
}

#[tokio::test]
async fn a_service_manager_that_reads_nothing_delays_no_stop_s69a() {
    let (director, directory) = (Director::new(), tempfile::tempdir().unwrap());
    let path = directory.path().join("notify");
    let _unread = Reports::at(&path);
    let mut command = fixture(&director);
    // Its queue is soon full.
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "2000");
    command.args(["run", "--app=scripted", "--listen=127.0.0.1:0", "--admin=off"]);
    let mut host = Program::start(&mut command);
    host.stderr.line("cannot report to the service manager: takes no message").await;
    host.signal(Signal::TERM);
    assert_eq!(host.exit().await, Some(0));
}

#[tokio::test]
async fn sockets_that_were_passed_to_another_process_are_ignored_s69b() {
    let director = Director::new();
    let mut command = fixture(&director);
    command.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", "requests").env("LISTEN_PID", "1");
    command.args(["run", "--app=scripted", "--listen=127.0.0.1:0", "--admin=off"]);
    let host = Program::start(&mut command);
    host.stderr.line("ignores the sockets that were passed to another process (1, LISTEN_PID)").await;
    host.stderr.line("IDLE: takes requests runner=1").await;
}

#[tokio::test]
async fn a_new_host_becomes_the_main_process_of_the_service_s94b() {
    let (director, directory) = (Director::new(), tempfile::tempdir().unwrap());
    let path = directory.path().join("notify");
    let reports = Reports::at(&path);
    let mut command = fixture(&director);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "100000").env("WATCHDOG_PID", "1");
    command.args(["run", "--app=scripted", "--listen=127.0.0.1:0", "--admin=off"]);
    let mut host = Program::start(&mut command);
    reports.until("READY=1").await;
    host.signal(Signal::USR2);
    let before = reports.until("MAINPID=").await;
    let new: u32 = before.last().unwrap()["MAINPID=".len()..].trim().parse().unwrap();
    let new = Process::new(new);
    assert!(before.iter().all(|report| !report.contains("READY=1")), "the new host waits: {before:?}");
    reports.until("READY=1").await;
    assert_eq!(host.exit().await, Some(0));
    // The old host reports nothing at its end, which is not that of the service.
    let after = reports.until("STATUS=1 of 1 runners take requests").await;
    assert!(after.iter().all(|report| !report.contains("STOPPING")), "{after:?}");
    new.signal(Signal::TERM);
    reports.until("STOPPING=1").await;
    new.ended().await;
}

#[tokio::test]
async fn a_host_without_a_service_manager_listens_on_its_own_addresses_s69a_s69b() {
    let director = Director::new();
    let mut command = fixture(&director);
    // These descriptors belong to another process.
    command.env("LISTEN_FDS", "1").env("LISTEN_PID", "1");
    command.args(["run", "--app=scripted", "--listen=127.0.0.1:0", "--admin=off"]);
    let host = Program::start(&mut command);
    let pending = host.call("a").await;
    director.call("a").await.succeed().await;
    assert_eq!(pending.response().await.status, 200);
}

/// Starts a host with this socket as descriptor 3, as systemd does.
fn activated(director: &Director, socket: OwnedFd, name: &str) -> Program {
    let mut command = Command::new("sh");
    let (variable, value) = director.environment();
    let script = r#"exec 3<&0 0</dev/null && export LISTEN_PID=$$ && exec "$0" "$@""#;
    command.env(variable, value).env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", name);
    command.args(["-c", script, env!("CARGO_BIN_EXE_fixture")]);
    command.args(["run", "--app=scripted", "--listen=127.0.0.1:1", "--admin=off"]);
    Program::start_with(&mut command, Stdio::from(socket))
}

#[tokio::test]
async fn a_host_serves_connections_that_came_before_it_was_started_s69b() {
    let director = Director::new();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let early = Pending::new(address, &Request::call("early")).await;
    let host = activated(&director, socket.into(), "fixture.socket");
    director.call("early").await.succeed().await;
    assert_eq!(early.response().await.status, 200);
    assert_eq!(host.address().await, address);
    let warning = format!(
        "WARN listens on the inherited socket at {address}, and not at 127.0.0.1:1 as `--listen` says"
    );
    host.stderr.line(&warning).await;
}

#[tokio::test]
async fn an_inherited_descriptor_of_another_kind_is_named_s69b() {
    let director = Director::new();
    let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut host = activated(&director, socket.into(), "requests");
    assert_eq!(host.exit().await, Some(1));
    host.stderr.line("invalid inherited socket 3 (`requests`) not a TCP socket ListenStream=").await;
}
