//! `serve` as a process of its own: this test binary again, with the arguments in the environment.

#![expect(
    clippy::semicolon_if_nothing_returned,
    clippy::unused_async,
    clippy::unused_self,
    reason = "the functions of an app have the shapes that apps have"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::prelude::*;

const ARGUMENTS: &str = "FIXTURE_ARGUMENTS";

#[derive(Debug, Default)]
struct Served;

#[crate::app(name = "served", termination_grace_period = 3600)]
impl Served {
    async fn setup() -> Result<Self> {
        if std::env::var_os("FIXTURE_SETUP").is_some() {
            println!("mark setup");
            std::future::pending().await
        }
        Ok(Self)
    }

    fn handle_exit(&self) {
        println!("mark handle_exit");
    }

    fn teardown(self) {
        println!("mark teardown");
    }

    /// Answers at once.
    #[endpoint("/quick")]
    async fn quick(&self) -> &'static str {
        "quick"
    }

    #[endpoint("/endless")]
    async fn endless(&self) -> &'static str {
        println!("mark endless");
        std::future::pending().await
    }

    #[endpoint("/limited", body_limit = 1000)]
    async fn limited(&self, body: crate::extract::Text) -> String {
        body.to_string()
    }
}

/// Not a test: what the processes run.
#[test]
fn program() {
    let Some(arguments) = std::env::var_os(ARGUMENTS) else { return };
    let arguments = arguments.into_string().unwrap();
    let main = || crate::cli::main_of(arguments.split(' ').map(Into::into));
    let code = match std::env::var_os("FIXTURE_ASYNC_MAIN") {
        Some(_) => tokio::runtime::Runtime::new().unwrap().block_on(async { main() }),
        None => main(),
    };
    let code = (0..=u8::MAX).find(|number| code == (*number).into()).unwrap();
    std::process::exit(code.into());
}

struct Program {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Program {
    fn start(arguments: &str, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "cli::tests::serve::program", "--nocapture"])
            .env(ARGUMENTS, format!("my-app {arguments}"))
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    /// Reads on until a line has `text` in it, and returns what follows in that line.
    fn wait_for(&mut self, text: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "it never said {text}");
            if let Some((_, rest)) = line.split_once(text) {
                return rest.trim_end().to_owned();
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Its exit code, and what it wrote on standard output and standard error.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

fn serve() -> (Program, String) {
    serve_with("")
}

fn serve_with(options: &str) -> (Program, String) {
    let mut program = Program::start(&format!("serve --app served --listen tcp:127.0.0.1:0{options}"), &[]);
    let address = program.wait_for("serves on http://").split(' ').next().unwrap().to_owned();
    (program, address)
}

fn send(address: &str, path: &str) -> BufReader<TcpStream> {
    let mut client = TcpStream::connect(address).unwrap();
    let request = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\n\r\n");
    client.write_all(request.as_bytes()).unwrap();
    BufReader::new(client)
}

#[test]
fn serve_prints_its_address_and_stops_on_ctrl_c_and_sigterm_s42b() {
    for signal in [Signal::INT, Signal::TERM] {
        let (mut program, address) = serve();
        program.wait_for("/quick    Answers at once.");
        let mut status = String::new();
        send(&address, "/quick").read_line(&mut status).unwrap();
        assert_eq!(status.trim_end(), "HTTP/1.1 200 OK");
        program.signal(signal);
        let (code, said) = program.ended();
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("mark handle_exit\nmark teardown"), "{said}");
    }
}

/// A client that has sent the head of a request with a body of this length.
fn upload(address: &str, path: &str, length: usize) -> TcpStream {
    let mut client = TcpStream::connect(address).unwrap();
    let fields = "connection: close\r\ncontent-type: text/plain";
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: {address}\r\n{fields}\r\ncontent-length: {length}\r\n\r\n");
    client.write_all(head.as_bytes()).unwrap();
    client
}

#[test]
fn a_client_that_sends_all_of_what_serve_refuses_reads_why_s43j() {
    let (program, address) = serve();
    for (path, status) in [("/missing", 404), ("/limited", 413), ("/quick", 200)] {
        let mut client = upload(&address, path, 5_000_000);
        client.write_all(&vec![b'x'; 5_000_000]).expect("all of it is taken");
        let mut text = String::new();
        client.read_to_string(&mut text).expect("the connection is not reset");
        assert!(text.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {text}");
    }
    program.signal(Signal::TERM);
    let (code, said) = program.ended();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_client_that_still_sends_after_its_response_does_not_keep_serve_from_its_teardown_s43j_s42d() {
    let (program, address) = serve_with(" --grace 1s");
    let mut client = upload(&address, "/missing", usize::MAX / 2);
    let mut status = String::new();
    BufReader::new(&client).read_line(&mut status).unwrap();
    assert!(status.starts_with("HTTP/1.1 404"), "{status}");
    let sending = std::thread::spawn(move || while client.write_all(&[b'x'; 100]).is_ok() {});
    program.signal(Signal::TERM);
    let (code, said) = program.ended();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("mark teardown"), "{said}");
    sending.join().unwrap();
}

#[test]
fn a_second_ctrl_c_ends_serve_at_once() {
    let (mut program, address) = serve();
    let _call = send(&address, "/endless");
    program.wait_for("mark endless");
    program.signal(Signal::TERM);
    program.wait_for("mark handle_exit");
    // A signal within 100 ms is ignored as a duplicate.
    let deadline = Instant::now() + Duration::from_secs(60);
    while program.child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the program does not end");
        program.signal(Signal::INT);
        std::thread::yield_now();
    }
    let (code, said) = program.ended();
    assert_eq!(code, Some(130));
    assert!(!said.contains("mark teardown"), "{said}");
}

#[test]
fn serve_that_is_stopped_during_setup_exits_with_the_code_of_the_signal_s42e() {
    for (signal, expected) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut program =
            Program::start("serve --app served --listen tcp:127.0.0.1:0", &[("FIXTURE_SETUP", "endless")]);
        program.wait_for("mark setup");
        program.signal(signal);
        let (code, said) = program.ended();
        assert_eq!(code, Some(expected), "{said}");
        assert!(!said.contains("mark handle_exit"), "{said}");
    }
}

#[test]
fn the_error_for_a_used_port_names_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap();
    let (code, said) = Program::start(&format!("serve --app served --listen tcp:{taken}"), &[]).ended();
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("error: cannot listen on tcp:{taken}: Address already in use")), "{said}");
}

/// The error of the listener shows that the host ran; no runner is started.
#[test]
fn a_host_runs_in_an_async_main() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap();
    let arguments = format!("run --app served --listen {taken} --admin off");
    let (code, said) = Program::start(&arguments, &[("FIXTURE_ASYNC_MAIN", "1")]).ended();
    assert!(said.contains(&format!("error: cannot listen on {taken} for requests")), "{said}");
    assert_eq!(code, Some(1));
}

#[test]
fn each_subcommand_prints_its_output() {
    for (arguments, printed) in [
        ("list", "served 0.1.0\n  POST       /quick    Answers at once.\n"),
        ("config --app served --queue 7", "the command line"),
        (
            "config --app served",
            "max_replacing                     1                   default; set with --max-replacing or",
        ),
        ("config --app served --strict --json", "\"value\": true"),
        (
            "run --app served --strict --max-replacing 2",
            "error: `--strict` (FAL_STRICT) and `--max-replacing`",
        ),
        ("openapi --app served", "\"/quick\": {"),
        ("openapi --app served --check /nowhere", "error: cannot read /nowhere"),
        ("serve --app other", "error: this program has no app `other`; its apps are: "),
    ] {
        let (code, said) = Program::start(arguments, &[]).ended();
        assert!(said.contains(printed), "{arguments}: {said}");
        assert_eq!(code, Some(i32::from(printed.starts_with("error"))), "{arguments}");
    }
}

#[test]
fn an_invalid_setting_ends_the_program_with_2_and_names_its_origin() {
    let run = |arguments: &str, variables: &[(&str, &str)]| {
        let (code, output) = Program::start(arguments, variables).ended();
        assert_eq!(code, Some(2), "{output}");
        output
    };
    let flag = run("run --check-interval 15", &[("FAL_RUNERS", "2")]);
    assert!(
        flag.contains(
            "error: invalid value '15' for '--check-interval <TIME>': expected a unit: write `15s`"
        ),
        "{flag}"
    );
    assert!(flag.contains("warning: unknown setting FAL_RUNERS is ignored"), "{flag}");
    let variable = run("run", &[("FAL_STRICT", "maybe")]);
    assert!(variable.contains("'maybe' for '--strict': expected `true` or `false`"), "{variable}");
    assert!(variable.contains("tip: the value comes from the environment variable FAL_STRICT"), "{variable}");
}

#[test]
fn an_error_shows_no_password() {
    let (code, output) = Program::start("run --listen redis://me:hunter2@db", &[]).ended();
    assert_eq!(code, Some(2), "{output}");
    assert!(output.contains("invalid value 'redis://***@db' for '--listen <ADDRESS>'"), "{output}");
    assert!(!output.contains("hunter2"), "{output}");
}

#[test]
fn a_typo_of_a_setting_is_ignored_with_a_warning() {
    let variables = [("FAL_RUNERS", "2"), ("FAL_LOG", "warn"), ("FAL_STRICT", "yes")];
    let (code, said) = Program::start("config --app served --json", &variables).ended();
    assert_eq!(code, Some(0));
    let warning = "warning: unknown setting FAL_RUNERS is ignored; did you mean FAL_RUNNERS?\n";
    assert!(said.contains(warning), "{said}");
    assert!(said.contains("\"value\": \"warn\",\n      \"source\": \"environment\""), "{said}");
    assert!(said.contains("\"value\": true,\n      \"source\": \"environment\""), "{said}");
}

#[test]
fn an_invalid_part_of_the_log_filter_is_ignored_with_a_warning() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap();
    let log = [("FAL_LOG", "nothing=loud,debug")];
    for command in [format!("serve --listen tcp:{taken}"), format!("run --listen {taken} --admin off")] {
        let (_, said) = Program::start(&format!("{command} --app served"), &log).ended();
        assert!(said.contains("warning: FAL_LOG: `nothing=loud` is ignored: expected a level"), "{said}");
        assert!(!said.contains("`debug` is ignored"), "{said}");
    }
}
