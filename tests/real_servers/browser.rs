//! A page in Chromium that sends requests and opens a WebSocket (S45i).

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use fal_tests::end_with_test;
use rustix::process::{Pid, Signal, kill_process_group};

use super::program::Program;
use super::{node, uvicorn};

/// A browser. Its end ends its processes.
struct Browser(Child);

impl Browser {
    fn open(url: &str, profile: &str) -> Self {
        let mut command = Command::new("chromium");
        command
            // Its sandbox does not work for root, nor in many containers.
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ])
            .args([&format!("--user-data-dir={profile}"), "--remote-debugging-port=0", url])
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(end_with_test(&mut command).spawn().unwrap())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}

/// The page of the server posts what it has found, and the server prints it.
fn shows_its_page(mut server: Program) {
    let profile = tempfile::tempdir().unwrap();
    let browser = Browser::open(&server.url("http", "/page"), profile.path().to_str().unwrap());
    let line = server.line(&["browser:"]);
    drop(browser);
    assert!(line.ends_with(r#"browser: [1048576,10,"Guten Morgen",4001,"as you wish"]"#), "{line}");
    server.stopped();
}

#[test]
#[ignore = "needs uvicorn and Chromium"]
fn a_browser_uses_a_page_of_uvicorn_with_its_web_socket_s45i() {
    shows_its_page(uvicorn(&[]));
}

#[test]
#[ignore = "needs Node with ws, and Chromium"]
fn a_browser_uses_a_page_of_node_with_its_web_socket_s45i() {
    shows_its_page(node(&[]));
}
