//! The process launcher with real processes. Whatever a test leaves behind ends with its launcher's channel.

mod directory;
mod own_process;

use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use super::*;

/// Nothing here should take this long.
const GUARD: Duration = Duration::from_secs(20);

/// A launcher of shell scripts, and what its one runner says. Its end kills the runner's group.
struct Bench {
    launcher: ProcessLauncher,
    launched: Option<Box<dyn RunnerHandle>>,
    fleet_events: mpsc::UnboundedReceiver<FleetEvent>,
    reporter: StatusReporter,
}

impl Bench {
    fn new(script: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Self::of(command)
    }

    fn of(command: Command) -> Self {
        let (sender, fleet_events) = mpsc::unbounded_channel();
        let launcher = ProcessLauncher::new(command, Duration::from_secs(5)).unwrap();
        Self {
            launcher,
            launched: None,
            fleet_events,
            reporter: StatusReporter::new(RunnerId::new(7), 2, sender),
        }
    }

    fn started(script: &str) -> Self {
        let mut bench = Self::new(script);
        bench.start();
        bench
    }

    fn start(&mut self) {
        self.launched = Some(self.launcher.launch(self.reporter.id(), self.reporter.clone()).unwrap());
    }

    async fn next(&mut self) -> FleetEvent {
        tokio::time::timeout(GUARD, self.fleet_events.recv())
            .await
            .expect("the runner says something")
            .unwrap()
    }

    async fn exit(&mut self) -> Exit {
        match self.next().await {
            FleetEvent::Exited { id, exit } if id == self.reporter.id() => exit,
            other => panic!("an exit should come, not {other:?}"),
        }
    }

    fn launched(&mut self) -> &mut dyn RunnerHandle {
        self.launched.as_mut().unwrap().as_mut()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(launched) = &mut self.launched {
            launched.kill();
        }
    }
}

/// A named pipe: a script's processes hold its other end, and its end is theirs.
struct Witness {
    receiver: pipe::Receiver,
    path: std::path::PathBuf,
    _directory: tempfile::TempDir,
}

impl Witness {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("witness");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let receiver = pipe::OpenOptions::new().open_receiver(&path).unwrap();
        Self { receiver, path, _directory: directory }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        while !line.ends_with('\n') {
            line.push(char::from(
                tokio::time::timeout(GUARD, self.receiver.read_u8()).await.unwrap().unwrap(),
            ));
        }
        line
    }

    /// Waits until the other end is closed everywhere.
    async fn gone(&mut self) {
        let mut rest = Vec::new();
        tokio::time::timeout(GUARD, self.receiver.read_to_end(&mut rest))
            .await
            .expect("all have ended")
            .unwrap();
    }
}

#[tokio::test]
async fn what_a_runner_says_on_its_channel_reaches_the_host() {
    let mut bench = Bench::started(
        r#"printf '{"progress":{"fraction":0.5,"message":"half"}}\nnot json\n{"novelty":1}\n{"ready":{}}\n' >&0
           printf '{"failed":{"error":"no model"}}\n' >&0"#,
    );
    let progress = bench.next().await;
    assert!(
        matches!(&progress, FleetEvent::Progress { progress, .. } if progress.message == "half"),
        "{progress:?}"
    );
    assert!(matches!(bench.next().await, FleetEvent::Ready { .. }), "an unknown message is skipped");
    let failed = bench.next().await;
    assert!(matches!(&failed, FleetEvent::SetupFailed { error, .. } if error == "no model"), "{failed:?}");
    assert_eq!(bench.exit().await, Exit::Status(0), "its final message comes before its end");
}

#[tokio::test]
async fn of_a_flood_of_progress_some_reaches_the_host_and_the_latest_always() {
    let mut bench = Bench::started(
        r#"exec 3<&0
           yes '{"progress":{"fraction":0.5,"message":"some"}}' | head -n 100000 >&3
           printf '{"progress":{"fraction":0.9,"message":"last"}}\n' >&0
           exec cat <&0"#,
    );
    let mut said = 0;
    loop {
        match bench.next().await {
            FleetEvent::Progress { progress, .. } if progress.message == "last" => break,
            FleetEvent::Progress { .. } => said += 1,
            other => panic!("progress should come, not {other:?}"),
        }
    }
    assert!((1..1_000).contains(&said), "{said} were passed on");
}

#[tokio::test]
async fn how_a_runner_ended_is_told_s36a() {
    assert_eq!(Bench::started("exit 3").exit().await, Exit::Status(3));
    assert_eq!(Bench::started("kill -SEGV $$").exit().await, Exit::Signal(11));
}

#[tokio::test]
async fn a_runner_learns_its_part_from_its_environment() {
    let mut witness = Witness::new();
    let script = format!(
        "echo \"$FAL_RUNNER_LISTEN $FAL_RUNNER_HOST_PID $FAL_RUNNER_ID $FAL_RUNNER_GRACE_MS\" > {}",
        witness.path.display()
    );
    let mut bench = Bench::started(&script);
    let address = bench.launched().address();
    let expected = format!("{address} {} 7 5000\n", std::process::id());
    assert_eq!(witness.line().await, expected);
    assert_eq!(bench.exit().await, Exit::Status(0));
}

#[tokio::test]
async fn sigterm_reaches_the_leader_and_its_child_processes_finish_their_work_s33a_s33b() {
    let (mut witness, work) = (Witness::new(), Witness::new());
    let script = format!(
        "trap 'echo told >&3' TERM; exec 3> {} 4<> {}; head -n 1 <&4 >&3 & echo up >&3; wait; wait; exit 0",
        witness.path.display(),
        work.path.display()
    );
    let mut bench = Bench::started(&script);
    assert_eq!(witness.line().await, "up\n");
    bench.launched().terminate();
    assert_eq!(witness.line().await, "told\n");
    std::fs::write(&work.path, "done\n").unwrap();
    assert_eq!(witness.line().await, "done\n", "the child process got no signal");
    assert_eq!(bench.exit().await, Exit::Status(0));
}

#[tokio::test]
async fn another_signal_to_the_whole_group_stops_what_forwards_none_s33a() {
    let (mut witness, work) = (Witness::new(), Witness::new());
    let script = format!(
        "trap : USR1; exec 3> {} 4<> {}; (trap 'echo child >&3; exit' USR1; echo up >&3; read line <&4) & wait; wait",
        witness.path.display(),
        work.path.display()
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]);
    let mut launcher =
        PortLauncher::new(command).stop_signal(StopSignal::Usr1).stop_signal_to(StopSignalTo::Group);
    let (sender, mut fleet_events) = mpsc::unbounded_channel();
    let id = RunnerId::new(1);
    let mut runner = launcher.launch(id, StatusReporter::new(id, 0, sender)).unwrap();
    assert_eq!(witness.line().await, "up\n");
    runner.terminate();
    assert_eq!(witness.line().await, "child\n");
    let exited = tokio::time::timeout(GUARD, fleet_events.recv()).await.unwrap().unwrap();
    assert!(matches!(exited, FleetEvent::Exited { exit: Exit::Status(0), .. }), "{exited:?}");
}

#[tokio::test]
async fn sigkill_reaches_the_whole_group_s33c() {
    let mut witness = Witness::new();
    let script = format!("exec 3> {}; sleep 1000 & echo up >&3; wait", witness.path.display());
    let mut bench = Bench::started(&script);
    witness.line().await;
    bench.launched().kill();
    assert_eq!(bench.exit().await, Exit::Signal(9));
    witness.gone().await;
}

#[tokio::test]
async fn what_a_runner_leaves_behind_in_its_group_goes_with_it_s33c() {
    let mut witness = Witness::new();
    let script = format!("exec 3> {}; (trap '' TERM; sleep 1000) & exit 0", witness.path.display());
    let mut bench = Bench::started(&script);
    assert_eq!(bench.exit().await, Exit::Status(0));
    witness.gone().await;
}

#[tokio::test]
async fn an_ended_runner_is_reaped() {
    let mut bench = Bench::started("exit 0");
    let pid = bench.launched().pid().unwrap();
    bench.exit().await;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    assert!(!stat.contains("(sh) Z"), "it is no zombie: {stat}");
}

#[test]
fn the_channel_closes_with_the_host_s41f() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut witness = runtime.block_on(async { Witness::new() });
    let script = format!("exec 3> {}; echo up >&3; cat <&0; echo gone >&3", witness.path.display());
    // The host's own runtime ends, as it does with its process.
    let host = tokio::runtime::Runtime::new().unwrap();
    let _bench = host.block_on(async { Bench::started(&script) });
    assert_eq!(runtime.block_on(witness.line()), "up\n");
    drop(host);
    assert_eq!(runtime.block_on(witness.line()), "gone\n");
}

#[tokio::test]
async fn a_program_that_cannot_be_started_is_named() {
    let mut bench = Bench::of(Command::new("/no/such/program"));
    let error = bench.launcher.launch(bench.reporter.id(), bench.reporter.clone()).err().unwrap();
    assert!(
        error.chain().starts_with("/no/such/program could not be started: No such file"),
        "{}",
        error.chain()
    );
}

#[tokio::test]
async fn a_flood_of_output_is_read_to_its_end_and_delays_no_exit() {
    // Far more than the pipes hold, and little enough for a busy machine.
    let mut bench = Bench::started("head -c 4000000 /dev/zero; echo; head -c 4000000 /dev/urandom >&2");
    assert_eq!(bench.exit().await, Exit::Status(0));
}

#[tokio::test]
async fn an_escaped_process_that_holds_the_pipes_delays_no_exit() {
    let mut witness = Witness::new();
    let script = format!("exec 3> {}; setsid sh -c 'echo $$ >&3; sleep 1000' & wait", witness.path.display());
    let mut bench = Bench::started(&script);
    let escaped: i32 = witness.line().await.trim().parse().unwrap();
    bench.launched().terminate();
    assert_eq!(bench.exit().await, Exit::Signal(15));
    // Where the runner has a control group, that has ended it already.
    let _ = rustix::process::kill_process_group(Pid::from_raw(escaped).unwrap(), Signal::KILL);
    witness.gone().await;
}

#[tokio::test]
async fn what_left_the_group_goes_too_where_the_host_has_a_control_group() {
    if super::cgroup::Cgroups::delegated().is_none() {
        eprintln!("not tested: this process has no control group of its own");
        return;
    }
    let mut witness = Witness::new();
    let script = format!("exec 3> {}; setsid sh -c 'echo up >&3; sleep 1000' & wait", witness.path.display());
    let mut bench = Bench::started(&script);
    witness.line().await;
    bench.launched().terminate();
    assert_eq!(bench.exit().await, Exit::Signal(15));
    witness.gone().await;
}

/// The pipe that the host of the next test is given.
const WITNESS: &str = "FAL_TEST_WITNESS";

/// Not a test by itself: what the program does that ignores SIGCHLD.
#[tokio::test]
async fn a_host_whose_program_ignores_sigchld() {
    let Some(witness) = std::env::var_os(WITNESS) else { return };
    let mut command = Command::new("sh");
    command.args(["-c", "exec 9>\"$0\"; echo runs >&9; sleep 1000 & exit 3"]).arg(witness);
    let mut bench = Bench::of(command);
    bench.start();
    // The system has reaped it, and forgotten how it ended.
    assert_eq!(bench.exit().await, Exit::Unknown);
    // After that, processes that are left live on.
    bench.launched = None;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn in_a_program_that_ignores_sigchld_the_end_is_known_and_what_is_left_of_the_group_is_killed_s34() {
    let mut witness = Witness::new();
    let test = "launch::tests::a_host_whose_program_ignores_sigchld";
    let status = Command::new("env")
        .arg("--ignore-signal=CHLD")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(WITNESS, &witness.path)
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(witness.line().await, "runs\n");
    witness.gone().await;
}
