//! The program with its host, on ports that the system picks, and a client of it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::tiny_model::write_tiny_model;

/// Longer than any step takes on a busy machine; only a failure waits for it.
const DEADLINE: Duration = Duration::from_mins(1);

/// The program with its host, ended with this. Its runners end with it (S41).
pub(crate) struct Host {
    child: Child,
    requests: String,
    /// Locked by the test that waits for a line: tests send requests from several threads.
    lines: Mutex<Receiver<String>>,
    client: ureq::Agent,
    first_runner: Pid,
    /// Kept as long as the host: replacements load the model, too.
    model: Option<TempDir>,
}

impl Host {
    /// Starts it with a model of random weights, and waits until it takes requests.
    pub(crate) fn with_tiny_model(environment: &[(&str, &str)]) -> Self {
        let model = tempfile::tempdir().unwrap();
        write_tiny_model(model.path());
        let mut host = Self::start(model.path(), environment);
        host.model = Some(model);
        host
    }

    /// Starts it, and waits until it takes requests.
    pub(crate) fn start(model: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = program(model);
        command.args(["--listen", "127.0.0.1:0", "--admin", "off"]).envs(environment.iter().copied());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (banner, banner_lines) = channel();
        let (log, lines) = channel();
        forward(child.stdout.take().unwrap(), banner);
        forward(child.stderr.take().unwrap(), log);
        let requests = address(&banner_lines.recv_timeout(DEADLINE).unwrap());
        let config = ureq::Agent::config_builder().proxy(None).http_status_as_error(false);
        let client = config.timeout_global(Some(DEADLINE)).build().into();
        let started = next_line(&lines, &["SETUP: started", "runner=1"]);
        let (_, id) = started.split_once("pid=").unwrap();
        let first_runner = pid(id.split(' ').next().unwrap());
        let host = Self { child, requests, lines: Mutex::new(lines), client, first_runner, model: None };
        host.line(&["IDLE", "runner=1"]);
        host
    }

    /// Waits for a line of the log that has all these words.
    pub(crate) fn line(&self, words: &[&str]) -> String {
        next_line(&self.lines.lock().unwrap(), words)
    }

    /// Sends a text, and returns the status and the JSON of the response.
    pub(crate) fn embed(&self, text: &str) -> (u16, Value) {
        let request = self.client.post(format!("{}/embed", self.requests));
        let mut response = request.send_json(json!({ "text": text })).unwrap();
        (response.status().as_u16(), response.body_mut().read_json().unwrap())
    }

    /// The embedding of a text.
    pub(crate) fn embedding(&self, text: &str) -> Vec<f32> {
        let (status, answer) = self.embed(text);
        assert_eq!(status, 200, "{answer}");
        serde_json::from_value(answer["embedding"].clone()).unwrap()
    }

    /// Waits until runner 1 is told to stop for this reason, and its replacement answers.
    pub(crate) fn replaces_the_first_runner_for(&self, reason: &str) {
        self.line(&["TERMINATING", "runner=1", &format!("reason={reason}")]);
        self.line(&["IDLE", "runner=2"]);
        assert!(self.embedding("abc").iter().all(|value| value.is_finite()));
    }

    pub(crate) fn pid(&self) -> Pid {
        pid(&self.child.id().to_string())
    }

    /// The process of runner 1.
    pub(crate) fn first_runner(&self) -> Pid {
        self.first_runner
    }

    /// Waits for its end.
    pub(crate) fn exit_code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program with this model.
pub(crate) fn program(model: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_embeddings"));
    command.env("EMBEDDINGS_MODEL", model).stdin(Stdio::null());
    command
}

/// Waits for a line that has all these words.
fn next_line(lines: &Receiver<String>, words: &[&str]) -> String {
    let give_up = Instant::now() + DEADLINE;
    let mut seen = Vec::new();
    loop {
        let left = give_up.saturating_duration_since(Instant::now());
        match lines.recv_timeout(left) {
            Ok(line) if words.iter().all(|word| line.contains(word)) => return line,
            Ok(line) => seen.push(line),
            Err(error) => panic!("{error} before a line with {words:?}:\n{}", seen.join("\n")),
        }
    }
}

fn pid(text: &str) -> Pid {
    Pid::from_raw(text.parse().unwrap()).unwrap()
}

/// How alike the meanings of two texts are, from -1 to 1: their embeddings have the length 1.
pub(crate) fn similarity(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

fn forward(output: impl Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Read to the end, even if no test waits for lines: a full pipe would stop the host's log.
            let _ = lines.send(line);
        }
    });
}

/// The `http://ADDRESS` in a line.
fn address(line: &str) -> String {
    let (_, rest) = line.split_once("http://").unwrap();
    format!("http://{}", rest.split(' ').next().unwrap())
}
