//! A running server, and its address.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use fal_runtime::App;
use fal_tests::end_with_test;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// An app that takes requests, until this is dropped or the tests end.
pub(crate) struct Served {
    address: SocketAddr,
    _program: Option<Program>,
}

/// The quickstart with its host, and the directory of its journal.
struct Program {
    child: Child,
    _data: TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        // Its runner does not outlive it.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Served {
    pub(crate) fn quickstart() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut command = quickstart();
        command.args(["run", "--listen", "127.0.0.1:0", "--admin", "off"]).env("DATA_DIR", data.path());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = end_with_test(&mut command).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut lines = stdout.lines().map(Result::unwrap);
        let address = lines.find_map(|line| {
            let (_, rest) = line.split_once(" serves on http://")?;
            rest.split(' ').next()?.parse().ok()
        });
        Self { address: address.unwrap(), _program: Some(Program { child, _data: data }) }
    }

    /// An app of this program, without a host.
    pub(crate) fn app(app: impl App) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let router = fal_runtime::router(app);
        std::thread::spawn(move || runtime.block_on(async { axum::serve(listener, router).await }));
        Self { address, _program: None }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// What the quickstart's command line prints.
pub(crate) fn quickstarts_document() -> String {
    String::from_utf8(quickstart().arg("openapi").output().unwrap().stdout).unwrap()
}

fn quickstart() -> Command {
    Command::new(env!("CARGO_BIN_EXE_quickstart"))
}
