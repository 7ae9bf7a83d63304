//! Upgrades: a new version of the program takes over the sockets of the old one (S90 to S94).

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use fal_tests::Act;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::harness::*;

/// A host whose program is a symbolic link, as deployments have it.
pub(crate) struct Upgradable {
    pub(crate) host: Program,
    directory: TempDir,
}

impl Upgradable {
    pub(crate) fn run(director: &Director, app: &str, arguments: &[&str]) -> Self {
        Self::run_with(director, app, arguments, &[])
    }

    /// The same with these variables.
    fn run_with(director: &Director, app: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("app");
        symlink(env!("CARGO_BIN_EXE_fixture"), &program).unwrap();
        let mut command = tokio::process::Command::new(&program);
        let (name, value) = director.environment();
        command.env(name, value).env("XDG_RUNTIME_DIR", directory.path()).env_remove("FAL_CONTROL_SOCKET");
        command.args(["run", "--app", app, "--listen=127.0.0.1:0", "--admin=127.0.0.1:0"]);
        command.args(["--probes=127.0.0.1:0", "--check-interval=50ms"]).args(arguments);
        command
            .env_remove("JOURNAL_STREAM")
            .envs(variables.iter().copied().filter(|(_, value)| !value.is_empty()));
        command.arg("--pid-file").arg(directory.path().join("app.pid"));
        Self { host: Program::start(&mut command), directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Lets the path of the program lead to another one.
    pub(crate) fn deploy(&self, program: &Path) {
        symlink(program, self.path("next")).unwrap();
        std::fs::rename(self.path("next"), self.path("app")).unwrap();
    }

    /// A program that is a script.
    pub(crate) fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        // Written by another process: this one may be forking, and a program that is open for writing does not start.
        let script = format!("printf '%s' '{text}' > {0} && chmod 755 {0}", path.display());
        assert!(std::process::Command::new("sh").args(["-c", &script]).status().unwrap().success());
        path
    }

    /// Runs a subcommand to its end.
    pub(crate) async fn operate(&self, arguments: &[&str]) -> Output {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_fixture"));
        command.env("XDG_RUNTIME_DIR", self.directory.path()).env_remove("FAL_CONTROL_SOCKET");
        output(command.args(arguments)).await
    }

    /// Upgrades, and returns the process of the new host.
    pub(crate) async fn upgrade(&self, arguments: &[&str]) -> Process {
        let ended = self.operate(&[&["upgrade"], arguments].concat()).await;
        assert_eq!(ended.code, Some(0), "{} {} {}", ended.stdout, ended.stderr, self.host.stderr.text());
        Process::new(process_of(&ended.stdout))
    }

    /// Fails to upgrade, and returns why.
    pub(crate) async fn fail(&self, arguments: &[&str]) -> String {
        let ended = self.operate(&[&["upgrade"], arguments].concat()).await;
        assert_eq!(ended.code, Some(1), "{} {}", ended.stdout, self.host.stderr.text());
        ended.stderr
    }

    /// The new host of an upgrade that is under way.
    pub(crate) async fn new_host(&self) -> Process {
        let line = self.host.stderr.line("upgrade: the new program is started pid=").await;
        Process::new(line.split_once("pid=").unwrap().1.split(' ').next().unwrap().parse().unwrap())
    }

    /// The process id in the file of `--pid-file`.
    pub(crate) fn pid(&self) -> u32 {
        std::fs::read_to_string(self.path("app.pid")).unwrap().trim().parse().unwrap()
    }
}

/// The process that `upgrade` names.
fn process_of(said: &str) -> u32 {
    said.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_new_host_takes_over_the_sockets_and_the_old_one_serves_what_it_has_s90a_s91a_s92b_s93b_s94a() {
    let director = Director::new();
    let mut old = Upgradable::run(&director, "blocking", &[]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    let (address, probes, admin) =
        (old.host.address().await, old.host.probes().await, old.host.admin().await);
    let old_host = format!(" host={}", old.host.id());
    let slow = old.host.call("slow").await;
    let held = director.call("slow").await;
    let old_runner = held.pid();
    let queued = old.host.call("queued").await;
    old.host.shows_when(|shown| shown["queued"] == 1).await;

    let new = old.upgrade(&[]).await;
    assert_ne!(old.pid(), old.host.id());
    assert_eq!(Client::tcp(probes).await.exchange(&Request::get("/readyz")).await.status, 200);
    let runners = Client::tcp(admin).await.exchange(&Request::get("/runners")).await.json();
    let new_runner = runners["runners"][0]["pid"].as_u64().unwrap();
    assert_ne!(new_runner, u64::from(old_runner));
    assert_eq!(runners["queued"], 0, "the old host has its own queue");
    let fresh = Pending::new(address, &Request::call("fresh")).await;
    let call = director.call("fresh").await;
    assert_eq!(u64::from(call.pid()), new_runner);
    call.succeed().await;
    assert_eq!(fresh.response().await.status, 200);

    held.succeed().await;
    let response = slow.response().await;
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    let call = director.call("queued").await;
    assert_eq!(call.pid(), old_runner);
    call.succeed().await;
    assert_eq!(queued.response().await.status, 200);
    assert_eq!(old.host.exit().await, Some(0), "{}", old.host.stderr.text());
    let table = old.operate(&["runners"]).await;
    assert!(table.stdout.contains(&new_runner.to_string()), "{} {}", table.stdout, table.stderr);
    new.signal(Signal::TERM);
    new.ended().await;
    // The lines of the two hosts say whose they are.
    let log = old.host.stderr.text();
    let line_of = |text: &str| log.lines().rfind(|line| line.contains(text)).unwrap();
    assert!(line_of("stopped host=").ends_with(&old_host), "{log}");
    assert!(
        line_of("SETUP: started runner=1").contains(" host=")
            && !line_of("SETUP: started runner=1").ends_with(&old_host)
    );
    assert!(line_of(" stopped").ends_with("stopped"), "the new host is alone: {log}");
    assert!(!old.path("app.pid").exists());
}

#[tokio::test]
async fn the_new_host_runs_the_program_that_the_path_leads_to_now_with_the_same_arguments_s90a_s90b_s93a() {
    let director = Director::new();
    let mut old = Upgradable::run(&director, "scripted", &[]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    assert_eq!(old.operate(&["scale", "2"]).await.code, Some(0));
    old.host.stderr.line("IDLE: takes requests runner=2").await;
    let program = env!("CARGO_BIN_EXE_fixture");
    let next = old.script("2", &format!("#!/bin/sh\necho \"version 2 $1 $2 $3\"\nexec {program} \"$@\"\n"));
    old.deploy(&next);
    old.host.signal(Signal::USR2);
    old.host.stderr.line("upgrade: the new host serves").await;
    old.host.stdout.line("version 2 run --app scripted").await;
    old.host.stdout.lines("serves on http://", 2).await;
    assert_eq!(old.host.exit().await, Some(0));
    let new = Process::new(old.pid());
    let table = old.operate(&["runners"]).await;
    assert_eq!(table.stdout.lines().count(), 3, "the number of runners goes along: {}", table.stdout);
    new.signal(Signal::TERM);
    new.ended().await;
}

#[tokio::test]
async fn an_upgrade_that_fails_leaves_the_old_host_as_it_was_s92a_s93a_s116c() {
    let director = Director::new();
    let old = Upgradable::run(&director, "scripted", &[]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    for _ in 0..20 {
        // Neither the host nor the standard library may miss the end of a process that could not be executed.
        old.fail(&["/no/such/program"]).await;
    }
    let missing = old.fail(&["/no/such/program"]).await;
    assert!(missing.contains("/no/such/program could not be started: No such file"), "{missing}");
    let wrong = old.fail(&["/bin/false"]).await;
    assert!(wrong.contains("has ended with status 1"), "{wrong}");
    let usage = old.fail(&["/bin/sh"]).await;
    assert!(usage.contains("has ended with status"), "{usage}");
    let hung = old.script("hung", "#!/bin/sh\nexec sleep 1000\n");
    let late = old.fail(&[hung.to_str().unwrap(), "--timeout=100ms"]).await;
    assert!(late.contains("does not serve after 100ms"), "{late}");
    assert!(late.contains("it does not say what it waits for; see the standard error"), "{late}");
    director.hold(Kind::Setup);
    let setup = old.fail(&["--timeout=2s"]).await;
    assert!(setup.contains("does not serve after 2s: runner 1 of the new host is in SETUP"), "{setup}");
    assert!(setup.contains("`upgrade --timeout` sets this time"), "{setup}");
    old.host
        .stderr
        .line("error: the upgrade has failed: the old host has given up the upgrade, because")
        .await;
    director.answer(Kind::Setup, Act::Fail("no GPU".to_owned()));
    let failed = old.fail(&[]).await;
    assert!(failed.contains("`setup_failed`") && failed.contains("no GPU"), "{failed}");
    director.answer(Kind::Setup, Act::Succeed);

    let pending = old.host.call("still").await;
    director.call("still").await.succeed().await;
    assert_eq!((pending.response().await.status, old.pid()), (200, old.host.id()));
    let mut events = Client::tcp(old.host.admin().await).await;
    events.send(&Request::get("/events?after=0&kind=upgrade_failed")).await;
    events.head().await;
    let mut text = String::new();
    while text.matches("\"kind\":\"upgrade_failed\"").count() < 26 {
        text += &String::from_utf8(events.chunk().await).unwrap();
    }
    assert!(text.contains("no GPU"), "{text}");
    let shown = old.host.shows("/runners").await.json();
    assert_eq!(
        (&shown["upgrade"]["status"], &shown["notes"][0]["kind"]),
        (&"failed".into(), &"upgrade_failed".into())
    );
    let note = shown["notes"][0]["text"].as_str().unwrap();
    assert!(note.starts_with("the last upgrade failed ") && note.contains("no GPU"), "{note}");
}

#[tokio::test]
async fn a_failed_upgrade_or_restart_has_the_last_check_of_the_new_runner_s52c_s93a_s119a() {
    let director = Director::new();
    let old = Upgradable::run(&director, "scripted", &["--start-check-interval=50ms"]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    // The runner of the old host has hardly a check meanwhile.
    director.answer(Kind::Check, Act::Fail("no GPU".to_owned()));
    let failed = old.fail(&[]).await;
    let told = "runner 1 of the new host has ended with the reason `unhealthy` (status 0): the last check, POST /health: \
                status 500: ";
    assert!(failed.contains(told), "{failed}");
    old.host.signal(Signal::HUP);
    let aborted = old.host.stderr.line("a new runner failed: the rolling restart ends").await;
    assert!(
        aborted.contains("reason=unhealthy detail=\"the last check, POST /health: status 500: "),
        "{aborted}"
    );
    director.answer(Kind::Check, Act::Succeed);
}

#[tokio::test]
async fn a_new_host_that_fails_never_listens_s91a_s93a() {
    let (director, directory) = (Director::new(), tempfile::tempdir().unwrap());
    let socket = directory.path().join("control.sock");
    let at = format!("--control-socket={}", socket.display());
    let old = Upgradable::run(&director, "scripted", &[&at]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    director.answer(Kind::Setup, Act::Fail("no GPU".to_owned()));
    let failed = old.fail(&["--socket", socket.to_str().unwrap()]).await;
    let told = "the upgrade has failed, and the old host goes on: runner 1 of the new host has ended with the \
                reason `setup_failed` (status 3): no GPU; it printed last: error: setup of scripted failed: no GPU";
    assert!(failed.contains(told), "{failed}");
    old.host
        .stderr
        .line("upgrade: it has failed detail=the old host goes on: runner 1 of the new host has")
        .await;
    // It has tried to listen where the old host does.
    assert!(!old.host.stderr.text().contains("no Unix socket"), "{}", old.host.stderr.text());
}

#[tokio::test]
async fn a_failed_upgrade_says_where_the_output_of_the_new_program_is_s93a() {
    let director = Director::new();
    for (journal, place) in [("8:1234", "journalctl _PID="), ("", "the standard error of this host")] {
        let old = Upgradable::run_with(&director, "scripted", &[], &[("JOURNAL_STREAM", journal)]);
        old.host.stderr.line("IDLE: takes requests runner=1").await;
        let failed = old.fail(&["/bin/false"]).await;
        assert!(failed.contains("has ended with status 1") && failed.contains(place), "{failed}");
    }
}

#[tokio::test]
async fn what_a_new_program_prints_before_it_is_a_host_is_told_and_marked_s93a_s93b() {
    let director = Director::new();
    let mut old = Upgradable::run(&director, "scripted", &[]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    let broken =
        old.script("broken", "#!/bin/sh\necho no library: libcuda.so >&2\necho giving up >&2\nexit 9\n");
    let failed = old.fail(&[broken.to_str().unwrap()]).await;
    let told = "the new program has ended with status 9; it printed last: no library: libcuda.so | giving up";
    assert!(failed.contains(told), "{failed}");
    old.host.stderr.line("WARN the new program has printed: no library: libcuda.so process=").await;
    // A program that goes on as a host has the standard error of the old one again.
    let script =
        format!("#!/bin/sh\necho loads the new version >&2\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_fixture"));
    let script = old.script("script", &script);
    let new = old.upgrade(&[script.to_str().unwrap()]).await;
    old.host.stderr.line("WARN the new program has printed: loads the new version").await;
    old.host.exit().await;
    new.signal(Signal::TERM);
    new.ended().await;
    let text = old.host.stderr.text();
    let last = text.lines().last().unwrap();
    assert!(last.contains("stopped"), "the log of the new host goes on: {last}");
}

#[tokio::test]
async fn a_new_program_that_leaves_its_work_to_a_child_process_has_failed_s92a() {
    let director = Director::new();
    let old = Upgradable::run(&director, "scripted", &[]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    // The child process keeps the channel open.
    let wrapper = old.script("wrapper", "#!/bin/sh\nsleep 1000 &\necho $! > \"$0.pid\"\nexit 8\n");
    let failed = old.fail(&[wrapper.to_str().unwrap(), "--timeout=10m"]).await;
    assert!(failed.contains("has ended with status 8"), "{failed}");
    let left = std::fs::read_to_string(old.path("wrapper.pid")).unwrap();
    // A process that has ended and is not reaped yet has an empty command line.
    let command = std::fs::read(Path::new("/proc").join(left.trim()).join("cmdline"));
    assert!(command.unwrap_or_default().is_empty(), "it was killed before the upgrade had failed");
}

#[tokio::test]
async fn what_a_signal_asks_of_a_new_host_is_done_when_it_serves_s91c() {
    let director = Director::new();
    let mut old = Upgradable::run(&director, "scripted", &[]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    director.hold(Kind::Setup);
    old.host.signal(Signal::USR2);
    let setup = director.next(Kind::Setup).await;
    let new = old.new_host().await;
    new.signal(Signal::HUP);
    let first = setup.pid();
    setup.succeed().await;
    // The rolling restart.
    let second = director.next(Kind::Setup).await;
    assert_ne!(second.pid(), first);
    second.succeed().await;
    assert_eq!(old.host.exit().await, Some(0));
    new.signal(Signal::TERM);
    new.ended().await;
}

#[tokio::test]
async fn a_new_host_serves_even_if_it_cannot_write_its_process_id_s94c() {
    let director = Director::new();
    let mut old = Upgradable::run(&director, "scripted", &[]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    let address = old.host.address().await;
    std::fs::remove_file(old.path("app.pid")).unwrap();
    std::fs::create_dir(old.path("app.pid")).unwrap();
    let new = old.upgrade(&[]).await;
    old.host.stderr.line("the host serves without it").await;
    assert_eq!(old.host.exit().await, Some(0));
    let pending = Pending::new(address, &Request::call("a")).await;
    director.call("a").await.succeed().await;
    assert_eq!(pending.response().await.status, 200);
    new.signal(Signal::TERM);
    new.ended().await;
}

#[tokio::test]
async fn a_new_host_that_ends_after_its_report_is_a_failed_upgrade_s93a() {
    let director = Director::new();
    let mut old = Upgradable::run(&director, "scripted", &[]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    // The channel is descriptor 3. It reads the number of runners, and that it serves now.
    let short = old.script("short", "#!/bin/sh\necho ready >&3\nread first <&3\nread second <&3\nexit 7\n");
    let failed = old.fail(&[short.to_str().unwrap()]).await;
    assert!(failed.contains("has ended with status 7 before it served"), "{failed}");
    old.host.stderr.line("no host serves").await;
    assert_eq!(old.host.exit().await, Some(0));
}

#[tokio::test]
async fn a_pause_goes_along_and_what_waits_in_both_queues_is_served_after_it_s90b_s92b() {
    let director = Director::new();
    let mut old = Upgradable::run(&director, "scripted", &[]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    assert_eq!(old.operate(&["pause"]).await.code, Some(0));
    let queued = old.host.call("queued").await;
    old.host.shows_when(|shown| shown["queued"] == 1).await;
    let (address, admin) = (old.host.address().await, old.host.admin().await);
    let upgraded = old.operate(&["upgrade"]).await;
    assert!(upgraded.stdout.contains("has taken over, and is still paused: `resume`"), "{upgraded:?}");
    old.host.stderr.line("paused, as the host before").await;
    let new = Process::new(process_of(&upgraded.stdout));
    let fresh = Pending::new(address, &Request::call("fresh")).await;
    let shown = || async { Client::tcp(admin).await.exchange(&Request::get("/runners")).await.json() };
    while shown().await["queued"] != 1 {}
    assert_eq!(shown().await["paused"], true);
    // The old host goes on to check its runner, and sends it nothing else.
    let checked = director.count_of(1, Kind::Check);
    director.asked_times(checked + 6, 1, Kind::Check).await;
    assert_eq!(director.count(Kind::Call), 0);

    assert_eq!(old.operate(&["resume"]).await.code, Some(0));
    director.call("queued").await.succeed().await;
    director.call("fresh").await.succeed().await;
    assert_eq!((queued.response().await.status, fresh.response().await.status), (200, 200));
    assert_eq!(old.host.exit().await, Some(0));
    new.signal(Signal::TERM);
    new.ended().await;
}

#[tokio::test]
async fn two_upgrades_of_a_paused_host_leave_it_paused_and_all_three_go_on_at_once_s90b_s92b() {
    let director = Director::new();
    let mut first = Upgradable::run(&director, "scripted", &[]);
    first.host.stderr.line("IDLE: takes requests runner=1").await;
    let address = first.host.address().await;
    assert_eq!(first.operate(&["pause"]).await.code, Some(0));
    let mut queued = vec![first.host.call("a").await];
    first.host.shows_when(|shown| shown["queued"] == 1).await;
    let mut hosts = Vec::new();
    for name in ["b", "c"] {
        hosts.push(first.upgrade(&[]).await);
        queued.push(Pending::new(address, &Request::call(name)).await);
        first.host.shows_when(|shown| shown["queued"] == 1).await;
    }
    assert_eq!(first.operate(&["resume"]).await.code, Some(0));
    for name in ["a", "b", "c"] {
        director.call(name).await.succeed().await;
    }
    for pending in queued {
        assert_eq!(pending.response().await.status, 200);
    }
    assert_eq!(first.host.exit().await, Some(0));
    hosts[0].ended().await;
    hosts[1].signal(Signal::TERM);
    hosts[1].ended().await;
}

#[tokio::test]
async fn an_old_host_that_stops_before_the_pause_ends_refuses_its_queue_s92b() {
    let director = Director::new();
    let mut old = Upgradable::run(&director, "scripted", &["--drain-timeout=100ms"]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    assert_eq!(old.operate(&["pause"]).await.code, Some(0));
    let queued = old.host.call("queued").await;
    old.host.shows_when(|shown| shown["queued"] == 1).await;
    let new = old.upgrade(&[]).await;
    assert_eq!(queued.response().await.status, 503);
    assert_eq!(old.host.exit().await, Some(0));
    new.signal(Signal::TERM);
    new.ended().await;
}

#[tokio::test]
async fn a_second_upgrade_at_the_same_time_is_refused_and_a_stop_ends_the_first_one_s90c_s92c() {
    let director = Director::new();
    let mut old = Upgradable::run(&director, "scripted", &[]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    director.hold(Kind::Setup);
    old.host.signal(Signal::USR2);
    let setup = director.next(Kind::Setup).await;
    let (new, runner) = (old.new_host().await, Process::new(setup.pid()));
    let refused = old.fail(&[]).await;
    assert!(refused.contains("another one is under way"), "{refused}");
    old.host.signal(Signal::TERM);
    assert_eq!(old.host.exit().await, Some(0));
    new.ended().await;
    runner.ended().await;
    let told = old.host.stderr.line("error: the upgrade has failed: the ").await;
    // The old host says that it stops, and sends SIGTERM: the new one sees one of the two first.
    let first = ["the old host stops, and this one with it", "the new host was told to stop by SIGTERM"];
    assert!(first.iter().any(|first| told.contains(first)), "{told}");
}

#[tokio::test]
async fn a_new_host_waits_without_serving_and_stops_if_the_old_one_is_killed_s91a_s91b() {
    let director = Director::new();
    let mut old = Upgradable::run(&director, "scripted", &[]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    director.hold(Kind::Setup);
    old.host.signal(Signal::USR2);
    let setup = director.next(Kind::Setup).await;
    let (new, runner) = (old.new_host().await, Process::new(setup.pid()));
    for name in ["a", "b", "c"] {
        let pending = old.host.call(name).await;
        let call = director.call(name).await;
        assert_ne!(call.pid(), setup.pid(), "only the old host accepts connections");
        call.succeed().await;
        assert_eq!(pending.response().await.status, 200);
    }
    let table = old.operate(&["runners"]).await;
    let (runners, note) = table.stdout.split_once("\n\n").unwrap();
    assert_eq!((table.code, runners.lines().count()), (Some(0), 2), "{}", table.stderr);
    assert!(note.contains("does not serve yet"), "{note}");
    old.host.signal(Signal::KILL);
    assert_eq!(old.host.exit().await, None);
    new.ended().await;
    runner.ended().await;
}

#[tokio::test]
async fn an_upgrade_over_tcp_is_refused_even_with_the_token_s90a() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    host.stderr.line("IDLE: takes requests runner=1").await;
    let mut client = Client::tcp(host.admin().await).await;
    let refused = client.exchange(&Request::order("/upgrade?program=/bin/sh")).await;
    assert_eq!(refused.status, 403);
    assert!(refused.json()["detail"].as_str().unwrap().contains("Unix socket"));
}

#[tokio::test]
async fn a_restart_takes_the_program_that_is_on_disk_now_s71c() {
    let director = Director::new();
    let old = Upgradable::run(&director, "scripted", &[]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    let program = env!("CARGO_BIN_EXE_fixture");
    let next = old.script("2", &format!("#!/bin/sh\necho version 2\nexec {program} \"$@\"\n"));
    old.deploy(&next);
    assert_eq!(old.operate(&["restart", "--wait"]).await.code, Some(0));
    old.host.stderr.line("runner 2 | version 2").await;
}

#[tokio::test]
async fn an_upgrade_takes_over_during_a_rolling_restart_s92b() {
    let director = Director::new();
    let mut old = Upgradable::run(&director, "scripted", &[]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    director.hold_of(2, Kind::Setup);
    old.host.signal(Signal::HUP);
    director.next_of(2, Kind::Setup).await;
    let new = old.upgrade(&[]).await;
    assert_eq!(old.host.exit().await, Some(0), "{}", old.host.stderr.text());
    let runners = old.operate(&["runners"]).await;
    assert_eq!(runners.stdout.lines().count(), 2, "{}", runners.stdout);
    new.signal(Signal::TERM);
    new.ended().await;
}

#[tokio::test]
async fn a_host_upgrades_again_while_the_one_before_it_still_has_clients_s92b() {
    let director = Director::new();
    let mut first = Upgradable::run(&director, "scripted", &[]);
    first.host.stderr.line("IDLE: takes requests runner=1").await;
    let address = first.host.address().await;
    let slow = first.host.call("slow").await;
    let held = director.call("slow").await;
    let second = first.upgrade(&[]).await;
    let third = first.upgrade(&[]).await;
    second.ended().await;
    held.succeed().await;
    assert_eq!(slow.response().await.status, 200);
    // The first host is the parent of the third one now, and must not end it.
    assert_eq!(first.host.exit().await, Some(0));
    let pending = Pending::new(address, &Request::call("a")).await;
    director.call("a").await.succeed().await;
    assert_eq!(pending.response().await.status, 200);
    third.signal(Signal::TERM);
    third.ended().await;
}

#[tokio::test]
async fn a_script_that_starts_the_new_program_must_do_so_with_exec_s91b() {
    let director = Director::new();
    let old = Upgradable::run(&director, "scripted", &[]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    let program = env!("CARGO_BIN_EXE_fixture");
    let wrapper = old.script("wrapper", &format!("#!/bin/sh\n{program} \"$@\"\nexit 9\n"));
    let failed = old.fail(&[wrapper.to_str().unwrap()]).await;
    assert!(failed.contains("has ended with status 9"), "{failed}");
    let own = format!("the host with the process id {} (FAL_UPGRADE_FROM)", old.host.id());
    old.host.stderr.line(&format!("{own} must do so with `exec`")).await;
    let pending = old.host.call("still").await;
    director.call("still").await.succeed().await;
    assert_eq!(pending.response().await.status, 200);
}

#[tokio::test]
async fn the_hook_of_a_new_host_gets_its_events_once_it_serves_s94c() {
    let director = Director::new();
    let log = tempfile::tempdir().unwrap();
    let hook = format!("--on-event=cat >> {}", log.path().join("events").display());
    let mut old = Upgradable::run(&director, "scripted", &[&hook]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    let new = old.upgrade(&[]).await;
    assert_eq!(old.host.exit().await, Some(0));
    assert_eq!(old.operate(&["kill", "1"]).await.code, Some(0));
    old.host.stderr.lines("IDLE: takes requests runner=2", 1).await;
    new.signal(Signal::TERM);
    new.ended().await;
    // The last events are delivered before a host ends.
    let events = std::fs::read_to_string(log.path().join("events")).unwrap();
    let kinds: Vec<_> = events.lines().map(|event| event.contains("\"operator\"")).collect();
    assert_eq!(kinds, [false, true], "the upgrade, and the end of a runner of the new host: {events}");
}

#[tokio::test]
async fn process_1_of_a_container_refuses_an_upgrade_and_goes_on_s90c() {
    let container = ["--user", "--map-root-user", "--mount-proc", "--pid", "--fork", "--kill-child"];
    let may = std::process::Command::new("unshare").args(container).arg("true").output();
    if !may.is_ok_and(|output| output.status.success()) {
        eprintln!("not tested: this machine allows no namespaces");
        return;
    }
    let (director, directory) = (Director::new(), tempfile::tempdir().unwrap());
    let mut command = tokio::process::Command::new("unshare");
    let (name, value) = director.environment();
    command.env(name, value).env("XDG_RUNTIME_DIR", directory.path()).env_remove("FAL_CONTROL_SOCKET");
    command.args(container).arg(env!("CARGO_BIN_EXE_fixture"));
    command.args(["run", "--app=scripted", "--listen=127.0.0.1:0", "--admin=off"]);
    let old = Upgradable { host: Program::start(&mut command), directory };
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    let refused = old.fail(&[]).await;
    assert!(refused.contains("process 1") && refused.contains("start a new container"), "{refused}");
    let pending = old.host.call("still").await;
    director.call("still").await.succeed().await;
    assert_eq!(pending.response().await.status, 200);
}

#[tokio::test]
async fn runners_that_may_not_overlap_are_not_upgraded_s90c() {
    let director = Director::new();
    let old = Upgradable::run(&director, "scripted", &["--replace=stop-first"]);
    old.host.stderr.line("IDLE: takes requests runner=1").await;
    let refused = old.fail(&[]).await;
    assert!(refused.contains("--replace stop-first") && refused.contains("`restart`"), "{refused}");
}
