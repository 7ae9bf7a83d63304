//! Operators: subcommands over the host's Unix socket, and the admin token (S87, S88).

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use fal_tests::Answer;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::*;

/// A host with its Unix socket in a directory of the test.
pub(crate) struct Operated {
    pub(crate) host: Program,
    directory: TempDir,
}

impl Operated {
    pub(crate) fn run(director: &Director, arguments: &[&str]) -> Self {
        Self::run_app("scripted", director, arguments)
    }

    fn run_app(app: &str, director: &Director, arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = fixture(director);
        command.env("XDG_RUNTIME_DIR", directory.path()).env_remove("FAL_CONTROL_SOCKET");
        command.args(["run", "--app", app, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        command.args(["--check-interval", "50ms"]).args(arguments);
        Self { host: Program::start(&mut command), directory }
    }

    /// Runs a subcommand to its end.
    pub(crate) async fn operate(&self, arguments: &[&str]) -> Output {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_fixture"));
        command.env("XDG_RUNTIME_DIR", self.directory.path()).env_remove("FAL_CONTROL_SOCKET");
        output(command.args(arguments)).await
    }

    /// Runs a subcommand that succeeds. Returns what it prints.
    pub(crate) async fn succeed(&self, arguments: &[&str]) -> String {
        let ended = self.operate(arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {} {}", ended.stdout, ended.stderr);
        ended.stdout
    }

    fn sockets(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.directory.path().join("fal")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

#[tokio::test]
async fn an_operator_drains_replaces_stops_and_kills_runners_by_subcommands_s87a_s87d() {
    let director = Director::new();
    let operated = Operated::run(&director, &[]);
    let host = &operated.host;
    for (runner, order) in (1..).zip(["drain", "replace", "stop", "kill"]) {
        host.stderr.line(&format!("IDLE: takes requests runner={runner}")).await;
        let said = operated.succeed(&[order, &runner.to_string()]).await;
        assert!(said.contains("accepted"), "{said}");
        host.stderr.line(&format!("TERMINATED runner={runner} reason=operator")).await;
    }
    host.stderr.line("IDLE: takes requests runner=5").await;
    let ended = host.shows("/runners").await.json();
    let exits: Vec<_> =
        ended["ended"].as_array().unwrap().iter().map(|record| record["exit"].clone()).collect();
    let stopped = json!({ "status": 0 });
    assert_eq!(exits, [stopped.clone(), stopped.clone(), stopped, json!({ "signal": 9 })]);
    let text = operated.succeed(&["explain", "4"]).await;
    assert!(text.contains("ended: operator") && text.contains("kill") && text.contains("[S87a]"), "{text}");
    let again = operated.operate(&["kill", "4"]).await;
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("runner 4 has ended: `explain 4` says why"), "{}", again.stderr);
    for command in ["explain", "logs", "drain", "check"] {
        let unknown = operated.operate(&[command, "99"]).await;
        let expected =
            "unknown runner `99`: `runners` and GET /runners list the runners, and the last ones that ended";
        assert!(unknown.code == Some(1) && unknown.stderr.contains(expected), "{}", unknown.stderr);
    }
    let list = operated.succeed(&["runners"]).await;
    assert!(
        list.contains("\nENDED  REPLICA  REASON    EXIT                AGO\n4      0        operator  signal 9 (SIGKILL)  "),
        "{list}"
    );
}

#[tokio::test]
async fn a_socket_is_named_by_a_short_path_in_a_working_directory_with_a_long_one_s88a() {
    let director = Director::new();
    let directory = tempfile::tempdir().unwrap();
    let long = directory.path().join("d".repeat(110));
    std::fs::create_dir(&long).unwrap();
    let mut command = fixture(&director);
    command.args(["run", "--app=scripted", "--listen=127.0.0.1:0", "--admin=off", "--control-socket=h.sock"]);
    let host = Program::start(command.current_dir(&long));
    host.stderr.line("IDLE: takes requests runner=1").await;
    let mut command = fixture(&director);
    let shown = output(command.args(["runners", "--socket=h.sock"]).current_dir(&long)).await;
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    let sockets = std::fs::read_to_string("/proc/net/unix").unwrap();
    assert!(sockets.lines().any(|line| line.ends_with(" h.sock")), "{sockets}");
}

#[tokio::test]
async fn the_subcommands_find_the_host_and_show_its_runners_and_its_socket_s86c_s87d_s88a() {
    let director = Director::new();
    let operated = Operated::run(&director, &["--runners", "2"]);
    operated.host.stderr.line("IDLE: takes requests runner=2").await;
    assert_eq!(operated.succeed(&["wait"]).await, "every replica has a healthy runner\n");
    let table = operated.succeed(&["runners"]).await;
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("RUNNER") && lines.len() == 3 && lines[2].contains("healthy"), "{table}");
    let json: Value = serde_json::from_str(&operated.succeed(&["runners", "--json"]).await).unwrap();
    assert_eq!(json["runners"].as_array().unwrap().len(), 2);
    let text = operated.succeed(&["explain", "1"]).await;
    let page = operated.host.shows("/runners/1/explain").await;
    let headline = |text: &str| text.lines().next().unwrap().to_owned();
    assert_eq!(headline(&text), headline(std::str::from_utf8(&page.body).unwrap()));
    let [socket] = operated.sockets().try_into().unwrap();
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let settings: Value = serde_json::from_str(&operated.succeed(&["settings", "--json"]).await).unwrap();
    assert_eq!(settings["host"]["control_socket"]["bound"], socket.to_str().unwrap());
    let pid = operated.host.id().to_string();
    operated.succeed(&["runners", "--host", &pid]).await;
    operated.succeed(&["runners", "--socket", socket.to_str().unwrap()]).await;
    let wrong = operated.operate(&["runners", "--host", "1"]).await;
    assert!(
        wrong.code == Some(1) && wrong.stderr.contains("no host of this user is running"),
        "{}",
        wrong.stderr
    );
}

#[tokio::test]
async fn several_hosts_must_be_told_apart_and_ended_ones_are_forgotten_s88a() {
    let director = Director::new();
    let mut operated = Operated::run(&director, &[]);
    operated.host.stderr.line("IDLE: takes requests runner=1").await;
    let other = Operated {
        host: {
            let mut command = fixture(&director);
            command.env("XDG_RUNTIME_DIR", operated.directory.path());
            command.args(["run", "--app", "scripted", "--listen", "127.0.0.1:0", "--admin", "off"]);
            Program::start(&mut command)
        },
        directory: tempfile::tempdir().unwrap(),
    };
    other.host.stderr.line("IDLE: takes requests runner=1").await;
    let several = operated.operate(&["runners"]).await;
    let ids = [operated.host.id().to_string(), other.host.id().to_string()];
    assert_eq!(several.code, Some(1));
    assert!(ids.iter().all(|id| several.stderr.contains(&format!("`--host {id}`"))), "{}", several.stderr);
    operated.host.signal(rustix::process::Signal::TERM);
    assert_eq!(operated.host.exit().await, Some(0));
    assert_eq!(operated.sockets().len(), 1, "a host that stops removes its socket");
    operated.succeed(&["runners"]).await;
}

#[tokio::test]
async fn the_members_of_a_group_control_a_host_that_says_so_s88a() {
    let (director, directory) = (Director::new(), tempfile::tempdir().unwrap());
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    let group = if is_root { 4_711 } else { rustix::process::getegid().as_raw() };
    let start = |socket: &str, arguments: &[&str]| {
        let socket = directory.path().join(socket);
        let mut command = fixture(&director);
        command.args([
            "run",
            "--app",
            "scripted",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "off",
            "--control-socket",
        ]);
        (Program::start(command.arg(&socket).args(arguments)), socket)
    };
    let access = |socket: &PathBuf| {
        let metadata = std::fs::metadata(socket).unwrap();
        (metadata.mode() & 0o777, metadata.gid())
    };
    let (shared, socket) = start("shared.sock", &["--control-socket-group", &group.to_string()]);
    shared.stderr.line("IDLE: takes requests runner=1").await;
    assert_eq!(access(&socket), (0o660, group));
    let (open, other) = start("open.sock", &["--control-socket-mode", "0622"]);
    open.stderr.line("IDLE: takes requests runner=").await;
    assert_eq!(access(&other), (0o622, rustix::process::getegid().as_raw()));
    if !is_root {
        return;
    }
    // Root may start processes of other users and groups, which may not enter the directory of the program.
    let program = directory.path().join("program");
    // Copied by another process: this one may be forking, and a program that is open for writing does not start.
    let copied = std::process::Command::new("cp").arg(env!("CARGO_BIN_EXE_fixture")).arg(&program).status();
    assert!(copied.unwrap().success());
    for (member, code) in [(group, 0), (group + 1, 1)] {
        let mut command = tokio::process::Command::new(&program);
        command.arg("runners").arg("--socket").arg(&socket).uid(65_534).gid(member).current_dir("/");
        let ended = output(&mut command).await;
        assert_eq!(ended.code, Some(code), "{member}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn a_check_by_subcommand_returns_its_outcome_by_the_exit_code_s85f_s87b_s87d() {
    let director = Director::new();
    let operated = Operated::run(&director, &[]);
    operated.host.stderr.line("IDLE: takes requests runner=1").await;
    let said = operated.succeed(&["check", "1"]).await;
    assert!(said.starts_with("runner 1: pass in "), "{said}");
    director.answer_of(1, Kind::ManualCheck, fal_tests::Act::Refuse(503, "no GPU left".to_owned()));
    let failed = operated.operate(&["check", "1"]).await;
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert!(
        failed.stdout.contains("failure") && failed.stdout.contains("status 503 no GPU left"),
        "{}",
        failed.stdout
    );
    operated.host.stderr.line("TERMINATED runner=1 reason=manual_check_failed").await;
    let explained = operated.succeed(&["explain", "1"]).await;
    let asked = "That check was asked for by an operator (`POST /runners/ID/check`). [S85f]";
    assert!(explained.contains(asked), "{explained}");
    let ended = operated.operate(&["check", "1"]).await;
    let expected = "runner 1 has ended: `explain 1` says why";
    assert!(ended.code == Some(1) && ended.stderr.contains(expected), "{}", ended.stderr);
}

#[tokio::test]
async fn a_restart_by_subcommand_waits_for_its_outcome_and_has_an_id_s52c_s87d() {
    let director = Director::new();
    let operated = Operated::run(&director, &[]);
    operated.host.stderr.line("IDLE: takes requests runner=1").await;
    assert_eq!(operated.succeed(&["restart", "--wait"]).await, "rolling restart 1: completed\n");
    let outcome = operated.host.shows("/restarts/1").await;
    assert_eq!(outcome.json(), json!({ "id": 1, "status": "completed" }));
    director.answer(Kind::Setup, fal_tests::Act::Fail("no model".to_owned()));
    let aborted = operated.operate(&["restart", "--wait"]).await;
    assert_eq!(aborted.code, Some(1), "{}", aborted.stderr);
    assert!(aborted.stdout.starts_with("rolling restart 2: aborted: "), "{}", aborted.stdout);
    let outcome = operated.host.shows("/restarts/2").await.json();
    assert_eq!((&outcome["status"], &outcome["reason"]), (&"aborted".into(), &"setup_failed".into()));
    assert_eq!(operated.host.shows("/restarts/3").await.status, 404);
    let listed = operated.succeed(&["runners"]).await;
    assert!(
        listed.contains("the last rolling restart failed ") && listed.contains("ended as setup_failed"),
        "{listed}"
    );
    let begun = operated.succeed(&["restart"]).await;
    assert!(begun.starts_with("rolling restart 3 begins: `runners` says how it goes on"), "{begun}");
}

#[tokio::test]
async fn while_a_host_is_paused_requests_wait_and_checks_go_on_s67b_s87c() {
    let director = Director::new();
    let operated = Operated::run(&director, &[]);
    let host = &operated.host;
    host.stderr.line("IDLE: takes requests runner=1").await;
    assert_eq!(operated.succeed(&["pause"]).await, "the host is paused\n");
    let pending = host.call("a").await;
    let shown = host.shows_when(|shown| shown["queued"] == 1).await;
    assert_eq!(shown["paused"], true);
    assert!(shown["paused_since"].is_f64() && shown["queued_seconds"].is_f64(), "{shown}");
    let ready = host.shows("/readyz").await;
    assert_eq!(
        (ready.status, ready.json()["detail"].as_str()),
        (503, Some("the host is paused: `resume` lets requests go on"))
    );
    let before = director.asked().len();
    director.asked_times(before + 3, 1, Kind::Check).await;
    assert_eq!(host.shows("/runners").await.json()["runners"][0]["state"], "IDLE");
    let list = operated.succeed(&["runners"]).await;
    assert!(list.contains("1 request waits in the queue, for "), "{list}");
    assert!(
        list.contains("\nthe host is paused since ") && list.ends_with("Z: `resume` lets requests go on\n"),
        "{list}"
    );
    assert_eq!(operated.succeed(&["resume"]).await, "the host is serving\n");
    assert_eq!(host.shows("/readyz").await.status, 200);
    director.call("a").await.succeed().await;
    assert_eq!(pending.response().await.status, 200);
    host.stderr.line("WARN an operator paused the host").await;
    host.stderr.line("WARN an operator resumed the host after=").await;
}

#[tokio::test]
async fn a_host_whose_permits_are_all_held_says_so_before_it_refuses_a_request_s116b() {
    let director = Director::new();
    let operated = Operated::run_app("blocking", &director, &[]);
    let host = &operated.host;
    host.stderr.line("IDLE: takes requests runner=1").await;
    let (_stuck, call) = (host.call("a").await, director.call("a").await);
    let _waits = host.call("b").await;
    let shown = host.shows_when(|shown| !shown["runners"][0]["notes"].is_null()).await;
    assert_eq!((&shown["max_multiplexing"], &shown["runners"][0]["full"]), (&1.into(), &true.into()));
    assert_eq!(shown["runners"][0]["oldest_request"]["path"], "/call");
    assert_eq!(
        (&shown["notes"][0]["kind"], &shown["runners"][0]["notes"][0]["kind"]),
        (&"queue".into(), &"full".into())
    );
    let list = operated.succeed(&["runners"]).await;
    assert!(list.contains("  its permit is held for ") && list.contains(" by POST /call\n"), "{list}");
    assert!(
        list.contains("\n1 request waits in the queue, for ")
            && list.contains(": 1 of 1 permits are held, the longest for "),
        "{list}"
    );
    assert!(
        list.contains(
            "if they hang, `request_timeout` ends them, and `--wedged-after` replaces their runner"
        ),
        "{list}"
    );
    let text = operated.succeed(&["explain", "1"]).await;
    assert!(
        text.contains(
            "All of its permits are held (1 at a time, `max_multiplexing`), and 1 request has waited for "
        ),
        "{text}"
    );
    assert!(text.contains("If it hangs, nothing ends it"), "{text}");
    call.succeed().await;
}

#[tokio::test]
async fn a_paused_host_says_so_in_refusals_explain_and_wait_s84a_s87c_s87d() {
    let director = Director::new();
    let operated = Operated::run(&director, &["--queue-timeout", "10ms"]);
    let host = &operated.host;
    host.stderr.line("IDLE: takes requests runner=1").await;
    operated.succeed(&["pause"]).await;
    let refused = host.exchange(&Request::call("a")).await;
    assert_eq!(refused.json()["detail"], "The host is paused: the request has waited for 10ms.");
    let line = host.stderr.line("WARN a request is refused error_type=queue_timeout").await;
    let cause = "cause=an operator has paused the host, ";
    assert!(line.contains(cause) && line.contains(" ago: `resume` lets requests go on"), "{line}");
    assert!(!line.contains("--runners"), "{line}");
    assert!(operated.succeed(&["explain", "1"]).await.contains("The host has been paused since "));
    let waited = operated.operate(&["wait", "--timeout", "10ms"]).await;
    assert_eq!(waited.code, Some(1), "{}", waited.stderr);
    assert!(waited.stdout.contains("the host is paused: `resume`"), "{}", waited.stdout);
    operated.succeed(&["resume"]).await;
    operated.succeed(&["wait"]).await;
}

#[tokio::test]
async fn the_number_of_runners_is_changed_by_subcommand_s87d() {
    let director = Director::new();
    let operated = Operated::run(&director, &[]);
    operated.host.stderr.line("IDLE: takes requests runner=1").await;
    operated.succeed(&["scale", "2"]).await;
    operated.host.stderr.line("IDLE: takes requests runner=2").await;
    operated.succeed(&["wait"]).await;
}

#[tokio::test]
async fn wait_says_after_its_time_what_is_missing_s87d() {
    let director = Director::new();
    director.hold(Kind::Setup);
    let operated = Operated::run(&director, &[]);
    let setup = director.next(Kind::Setup).await;
    let late = operated.operate(&["wait", "--healthy", "--timeout", "1ms"]).await;
    assert_eq!(late.code, Some(1));
    assert!(late.stdout.contains("runner 1 is SETUP"), "{}", late.stdout);
    setup.succeed().await;
    operated.succeed(&["wait"]).await;
}

#[tokio::test]
async fn the_output_of_a_runner_is_followed_by_subcommand_until_it_ends_s85a() {
    let director = Director::new();
    let operated = Operated::run(&director, &[]);
    operated.host.stderr.line("IDLE: takes requests runner=1").await;
    let pending = operated.host.call("a").await;
    director.call("a").await.answer(Answer::panic()).await;
    assert_eq!(pending.response().await.status, 500);
    let following = operated.succeed(&["logs", "1", "--follow"]);
    let (printed, ()) = tokio::join!(following, async {
        operated.succeed(&["stop", "1"]).await;
    });
    assert!(printed.contains("told to panic"), "{printed}");
}

#[tokio::test]
async fn with_the_token_tcp_takes_orders_s88b() {
    let director = Director::new();
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "0123456789abcdef\n").unwrap();
    let file = format!("@{}", token.path().display());
    let operated = Operated::run(&director, &["--admin-token", &file]);
    operated.host.stderr.line("IDLE: takes requests runner=1").await;
    let mut admin = Client::tcp(operated.host.admin().await).await;
    let restart = Request::new("POST", "/restart?wait=true");
    assert_eq!(admin.exchange(&restart).await.status, 401);
    let wrong = restart.clone().header("authorization", "Bearer 0123456789abcdeX");
    assert_eq!(admin.exchange(&wrong).await.status, 401);
    let right = restart.header("authorization", "Bearer 0123456789abcdef");
    assert_eq!(admin.exchange(&right).await.json(), json!({ "id": 1, "status": "completed" }));
}

#[tokio::test]
async fn a_weak_token_is_refused_at_the_start_s88b() {
    let director = Director::new();
    let mut command = fixture(&director);
    command.env("FAL_ADMIN_TOKEN", "secret").args(["run", "--app", "scripted", "--listen", "127.0.0.1:0"]);
    let ended = output(command.args(["--admin", "127.0.0.1:0"])).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("`--admin-token`") && ended.stderr.contains("openssl"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("secret\n") && !ended.stderr.contains("\"secret\""), "{}", ended.stderr);
}
