//! The program `fal-host` with a certificate (S50).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says why")]

#[path = "../../tests/end_with_test.rs"]
pub mod end_with_test;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use end_with_test::end_with_test;
use rustix::process::{Pid, Signal, kill_process};

/// A host that is killed when the test ends. Its runner ends with it (S41f).
struct Program {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Program {
    fn start(directory: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fal-host"));
        command.arg("--tls-certificate").arg(directory.join("certificate"));
        command.arg("--tls-key").arg(directory.join("key"));
        command.args(["--listen", "127.0.0.1:0", "--admin", "off", "--", "sleep", "600"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = end_with_test(&mut command).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// The first line of the banner.
    fn banner(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line
    }

    fn hang_up(&self) {
        kill_process(Pid::from_child(&self.child), Signal::HUP).unwrap();
    }

    /// The next line of the log with this text.
    fn logged(&mut self, text: &str) -> String {
        let mut lines = self.log.by_ref().lines().map(Result::unwrap);
        lines.find(|line| line.contains(text)).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_certificate(directory: &Path) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(directory.join("certificate"), made.cert.pem()).unwrap();
    fs::write(directory.join("key"), made.signing_key.serialize_pem()).unwrap();
}

#[test]
fn sighup_loads_the_certificate_again_and_the_log_says_why_it_could_not_s50b() {
    let directory = tempfile::tempdir().unwrap();
    write_certificate(directory.path());
    let mut host = Program::start(directory.path());
    assert!(host.banner().contains(" serves on https://127.0.0.1:"));
    write_certificate(directory.path());
    host.hang_up();
    host.logged("the TLS certificate is loaded again");
    fs::write(directory.path().join("certificate"), "nothing").unwrap();
    host.hang_up();
    let line = host.logged("the old one stays in use");
    assert!(line.contains("ERROR") && line.contains("has no certificate"), "{line}");
}

#[test]
fn a_host_with_a_certificate_that_it_cannot_read_does_not_start_and_names_the_option_s50b() {
    let directory = tempfile::tempdir().unwrap();
    let mut host = Program::start(directory.path());
    let error = host.logged("error: ");
    let path = directory.path().join("certificate");
    assert!(
        error.starts_with(&format!("error: cannot read the certificate {}: ", path.display())),
        "{error}"
    );
    assert!(error.ends_with("; check `--tls-certificate` and `--tls-key`"), "{error}");
    assert_eq!(host.child.wait().unwrap().code(), Some(1));
}
