//! Detects the language of a text and keeps a journal. A runner that loses its journal fails its health check.
//!
//! Run `cargo run --example quickstart`, and then `curl -d '{"text": "Guten Morgen, wie geht es Ihnen heute?"}' -H
//! 'content-type: application/json' localhost:8080/`. Remove the journal's directory to see the host replace the runner.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use fal_runtime::prelude::*;

/// A text in an unknown language.
#[derive(Deserialize, JsonSchema)]
struct Input {
    text: String,
}

/// The language of a text, and the confidence from 0 to 1.
#[derive(Serialize, JsonSchema)]
struct Output {
    language: &'static str,
    confidence: f64,
}

#[derive(Serialize, JsonSchema)]
struct HealthResponse {
    status: &'static str,
}

struct MyApp {
    model: whatlang::Detector,
    journal: Journal,
}

#[app(max_multiplexing = 4)]
impl MyApp {
    fn setup() -> Result<Self> {
        let directory = std::env::var_os("DATA_DIR")
            .map_or_else(|| std::env::temp_dir().join("fal-quickstart"), PathBuf::from);
        println!("the journal is in {}", directory.display());
        Ok(Self { model: whatlang::Detector::new(), journal: Journal::open(directory)? })
    }

    /// Says which language a text is in.
    #[endpoint("/")]
    fn predict(&self, input: Input, response: &mut ResponseHead) -> Output {
        let found = self.model.detect(&input.text);
        let (language, confidence) =
            found.map_or(("und", 0.0), |found| (found.lang().code(), found.confidence()));
        if let Err(error) = self.journal.append(language) {
            eprintln!("asking for a health check, because the journal cannot be written: {error}");
            response.request_health_check();
        }
        Output { language, confidence }
    }

    #[endpoint("/health", health_check = HealthCheck(
        start_period_seconds = 10,
        timeout_seconds = 5,
        failure_threshold = 3,
        call_regularly = true,
    ))]
    fn health(&self) -> Result<HealthResponse> {
        self.journal.ping().context("lost the journal")?;
        Ok(HealthResponse { status: "ok" })
    }
}

/// A file on a volume that may disappear.
struct Journal {
    directory: PathBuf,
}

impl Journal {
    fn open(directory: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        Ok(Self { directory })
    }

    fn append(&self, line: &str) -> io::Result<()> {
        let path = self.directory.join("journal");
        writeln!(OpenOptions::new().create(true).append(true).open(path)?, "{line}")
    }

    /// Writes a file and reads it again.
    fn ping(&self) -> io::Result<()> {
        let (process, thread) = (std::process::id(), std::thread::current().id());
        let path = self.directory.join(format!("ping-{process}-{thread:?}"));
        fs::write(&path, "ping")?;
        File::open(&path)?.sync_all()?;
        let read = fs::read(&path)?;
        fs::remove_file(&path)?;
        if read == b"ping" { Ok(()) } else { Err(io::Error::other("read other bytes than were written")) }
    }
}

fn main() -> ExitCode {
    fal_runtime::main()
}
