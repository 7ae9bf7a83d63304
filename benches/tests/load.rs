//! The programs of the benchmarks work together.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says why")]

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

/// A program that ends with the test.
struct Program(Child);

impl Program {
    fn start(path: &str, arguments: &[&str]) -> Self {
        Self(Command::new(path).args(arguments).stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether all requests were answered with 200.
fn load(address: &str, arguments: &[&str]) -> bool {
    let mut load = Command::new(env!("CARGO_BIN_EXE_bench-load"));
    load.arg(address).args(arguments).stderr(Stdio::null()).status().unwrap().success()
}

#[test]
fn requests_are_sent_to_a_program_that_waits() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("tcp:127.0.0.1:{port}");
    let programs = [
        (env!("CARGO_BIN_EXE_bench-app"), vec!["serve", "--listen", &address]),
        (env!("CARGO_BIN_EXE_bench-peer"), vec!["axum", &address]),
        (env!("CARGO_BIN_EXE_bench-peer"), vec!["hyper", &address]),
    ];
    for (path, arguments) in programs {
        let mut program = Program::start(path, &arguments);
        while !load(&address, &["--requests", "1", "--connections", "1"]) {
            assert!(program.0.try_wait().unwrap().is_none(), "{path} {arguments:?} has ended");
        }
        let process = program.0.id().to_string();
        assert!(load(&address, &["--requests", "100", "--connections", "2", "--when-idle", &process]));
    }
    assert!(!load(&address, &["--requests", "1"]), "nothing listens any more");
}
