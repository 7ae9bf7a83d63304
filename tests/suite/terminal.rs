//! What the operator of a host sees: the log at a terminal, what a stop waits for, the names of processes, and refusals.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use fal_tests::end_with_test;
use rustix::process::Signal;
use rustix::termios::{Winsize, tcsetwinsize};

use tokio::process::Command;

use crate::harness::*;

/// A host whose standard error is a terminal with 60 columns.
struct AtTerminal {
    host: Program,
    written: History<String>,
}

impl AtTerminal {
    fn run(director: &Director, variables: &[(&str, &str)]) -> Self {
        let (controller, name) = open_terminal();
        let terminal = OpenOptions::new().read(true).write(true).open(name).unwrap();
        tcsetwinsize(&terminal, Winsize { ws_row: 24, ws_col: 60, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let mut command = fixture(director);
        command.env("TERM", "xterm").env_remove("NO_COLOR").envs(variables.iter().copied());
        command.args(["run", "--app", "scripted", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(terminal);
        end_with_test(command.as_std_mut());
        let host = Program::of(command.process_group(0).kill_on_drop(true).spawn().unwrap());
        let written = History::default();
        let copy = written.clone();
        std::thread::spawn(move || copy_pieces(&controller, &copy));
        Self { host, written }
    }

    /// Waits until this was written, and returns everything.
    async fn shows(&self, text: &str) -> String {
        self.written.find(text, |all| all.last().filter(|all| all.contains(text)).cloned()).await
    }

    async fn stop(mut self) {
        self.host.signal(Signal::TERM);
        assert_eq!(self.host.exit().await, Some(0));
    }
}

/// Adds all that was written so far, whenever there is more, until the other side is closed.
fn copy_pieces(terminal: &OwnedFd, written: &History<String>) {
    let (mut file, mut all) = (File::from(terminal.try_clone().unwrap()), Vec::new());
    let mut piece = [0; 4_096];
    while let Ok(length @ 1..) = file.read(&mut piece) {
        all.extend_from_slice(&piece[..length]);
        written.add(String::from_utf8_lossy(&all).into_owned());
    }
}

#[tokio::test]
async fn at_a_terminal_lines_are_aligned_and_coloured_and_progress_stays_on_its_line_s83f() {
    let director = Director::new();
    let terminal = AtTerminal::run(&director, &[]);
    let text = terminal.shows("IDLE: takes requests").await;
    assert!(text.contains("\x1b[32m INFO\x1b[0m runner 1  IDLE: takes requests"), "{text:?}");
    let progress = text.find("runner 1  [").unwrap();
    let after = &text[progress..];
    let (line, _) = after.split_once("\r\x1b[K").unwrap();
    assert!(line.contains(" %") && !line.contains('\n'), "{line:?}");
    terminal.stop().await;
}

#[tokio::test]
async fn no_color_and_dumb_terminals_get_no_colours_s83f() {
    let director = Director::new();
    let terminal = AtTerminal::run(&director, &[("NO_COLOR", "1")]);
    let text = terminal.shows("IDLE: takes requests").await;
    assert!(text.contains(" INFO runner 1  IDLE") && !text.contains("\x1b[3"), "{text:?}");
    terminal.stop().await;
    let terminal = AtTerminal::run(&director, &[("TERM", "dumb")]);
    let text = terminal.shows("IDLE: takes requests").await;
    assert!(!text.contains('\x1b') && text.contains("runner=1"), "{text:?}");
    terminal.stop().await;
}

#[tokio::test]
async fn a_quiet_host_writes_only_warnings_and_what_runners_print_s83f() {
    let director = Director::new();
    let mut host = Program::run(&director, &["--app", "scripted", "--quiet"]);
    director.answer_of(1, Kind::Check, fal_tests::Act::Fail("told to fail".to_owned()));
    // The first runner never passes a check. Both the runner and the host say so.
    host.stderr.line("runner 1 |").await;
    host.stderr.line("WARN health check failed runner=1").await;
    host.signal(Signal::TERM);
    assert_eq!(host.exit().await, Some(0));
    assert_eq!(host.stdout.text(), "");
    assert!(!host.stderr.text().contains(" INFO "), "{}", host.stderr.text());
}

#[tokio::test]
async fn a_stop_says_how_many_requests_it_waits_for_and_how_to_end_them_s83g() {
    let director = Director::new();
    let mut host = Program::run(&director, &["--app", "scripted"]);
    let pending = host.call("a").await;
    let call = director.call("a").await;
    host.signal(Signal::INT);
    host.stderr.line("INFO told to stop by SIGINT").await;
    let line = host.stderr.line("stops: waits for 1 request in flight; Ctrl-C again").await;
    assert!(line.contains("at_most=30s"), "{line}");
    call.succeed().await;
    pending.response().await;
    assert_eq!(host.exit().await, Some(0));
    assert!(host.stderr.text().trim_end().ends_with("INFO stopped"), "{}", host.stderr.text());
}

#[tokio::test]
async fn ps_shows_which_process_is_the_host_and_which_runner_another_one_is_s60f() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted"]);
    host.stderr.line("IDLE: takes requests runner=1").await;
    let shown = host.shows("/runners").await.json();
    let runner = shown["runners"][0]["pid"].as_u64().unwrap();
    let read = |path: String| std::fs::read_to_string(path).unwrap();
    let title = read(format!("/proc/{runner}/cmdline"));
    assert!(title.starts_with("scripted: runner 1\0"), "{title:?}");
    assert_eq!(read(format!("/proc/{}/comm", host.id())), "scripted: host\n");
}

#[tokio::test]
async fn heads_that_are_too_large_are_a_warning_once_with_the_option_that_sets_the_limit_s84b() {
    let director = Director::new();
    let mut host = Program::run(&director, &["--app", "scripted", "--max-head-size", "8192"]);
    host.stderr.line("IDLE: takes requests runner=1").await;
    let large = Request::get("/nowhere").header("x-large", &"x".repeat(10_000));
    for _ in 0..3 {
        assert_eq!(host.exchange(&large).await.status, 431);
    }
    host.signal(Signal::TERM);
    assert_eq!(host.exit().await, Some(0));
    let text = host.stderr.text();
    let warnings: Vec<_> = text.lines().filter(|line| line.contains("head_too_large")).collect();
    assert!(warnings.len() == 1 && warnings[0].contains("WARN"), "{text}");
    assert!(warnings[0].contains("8192 bytes") && warnings[0].contains("`--max-head-size`"), "{text}");
}

#[tokio::test]
async fn a_client_that_does_not_send_its_body_is_a_warning_with_the_option_s84b() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted", "--client-timeout", "300ms"]);
    host.stderr.line("IDLE: takes requests runner=1").await;
    let mut client = Client::tcp(host.address().await).await;
    client
        .write(
            b"POST /call HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n",
        )
        .await;
    assert_eq!(client.head().await.status, 408);
    let line = host.stderr.line("error_type=client_timeout").await;
    assert!(line.contains("WARN") && line.contains("`--client-timeout` sets this time"), "{line}");
    let named = line.contains("client=\"127.0.0.1\"") && line.contains("path=\"/call\"");
    assert!(named && line.contains("request_id="), "{line}");
}

#[tokio::test]
async fn a_host_whose_standard_output_is_full_serves_and_logs_its_addresses_s94c() {
    let director = Director::new();
    let mut command = Command::new("sh");
    let (variable, value) = director.environment();
    command.env(variable, value).args(["-c", r#"exec "$0" "$@" > /dev/full"#, env!("CARGO_BIN_EXE_fixture")]);
    command.args(["run", "--app=scripted", "--listen=127.0.0.1:0", "--admin=off"]);
    let mut host = Program::start(&mut command);
    let line = host.stderr.line("cannot write the addresses of the host to standard output").await;
    let address = line.split("requests=").nth(1).unwrap().split(' ').next().unwrap();
    Client::tcp(address.parse().unwrap()).await;
    host.stderr.line("IDLE: takes requests").await;
    host.signal(Signal::TERM);
    assert_eq!(host.exit().await, Some(0));
}
