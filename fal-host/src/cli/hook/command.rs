//! Runs a command with an event on its standard input.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::launch::FOR_THE_HOST;

/// How much of the command's standard error the log shows, in bytes.
const MAX_SAID: usize = 1_024;

/// How long to read what the command wrote last. A process that it started may hold the pipe open.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(50);

/// Runs a command line of `sh` with an event on its standard input. If the future is dropped, the command is killed with the
/// processes that it started.
pub(super) async fn run(command: &str, event: &str) -> io::Result<()> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).process_group(0);
    for name in FOR_THE_HOST {
        shell.env_remove(name);
    }
    let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let running = ProcessGroup::led_by(&child);
    let mut said = Vec::new();
    let status = {
        let input = write_line(child.stdin.take(), event);
        let read = read_start(child.stderr.take(), &mut said);
        let (mut input, mut read) = (std::pin::pin!(input), std::pin::pin!(read));
        let (mut has_written, mut has_read) = (false, false);
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                () = &mut input, if !has_written => has_written = true,
                () = &mut read, if !has_read => has_read = true,
            }
        };
        if !has_read {
            let _ = timeout(FLUSH_TIMEOUT, read).await;
        }
        status
    };
    running.ended();
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&said);
    Err(io::Error::other(match said.trim() {
        "" => format!("the command ended with {status}"),
        said => format!("the command ended with {status}: {said}"),
    }))
}

async fn write_line(stdin: Option<impl tokio::io::AsyncWrite + Unpin>, event: &str) {
    if let Some(mut stdin) = stdin {
        // A command need not read it.
        let _ = stdin.write_all(format!("{event}\n").as_bytes()).await;
    }
}

/// Keeps the start of a stream, and reads all of it, so that the command can go on.
async fn read_start(stream: Option<impl AsyncRead + Unpin>, start: &mut Vec<u8>) {
    let Some(mut stream) = stream else { return };
    let mut piece = [0; 1_024];
    while let Ok(length @ 1..) = stream.read(&mut piece).await {
        let room = MAX_SAID.saturating_sub(start.len());
        start.extend(piece.iter().take(length.min(room)));
    }
}

/// The process group of a command, which is killed if this is dropped before the command has ended.
struct ProcessGroup(Option<Pid>);

impl ProcessGroup {
    fn led_by(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)))
    }

    /// The leader has been reaped, so the id may belong to another group.
    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_gets_the_event_as_a_line_s86b() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("event");
        run(&format!("cat > '{}'", file.display()), "{\"id\":1}").await.unwrap();
        assert_eq!(std::fs::read_to_string(file).unwrap(), "{\"id\":1}\n");
        // A pipe holds less than this.
        run("true", &"x".repeat(1 << 20)).await.unwrap();
    }

    #[tokio::test]
    async fn the_error_has_the_exit_code_and_what_the_command_said_s86b() {
        let error = run("echo no route >&2; exit 3", "{}").await.unwrap_err().to_string();
        assert!(error.contains('3') && error.ends_with(": no route"), "{error}");
        let error = run("yes | head -c 1000000 >&2; exit 3", "{}").await.unwrap_err().to_string();
        assert!(error.len() < 2 * MAX_SAID, "{}", error.len());
    }

    #[tokio::test]
    async fn a_command_that_is_given_up_is_killed_with_what_it_started_s86b() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        let mkfifo = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(mkfifo.success());
        let command = format!("(echo begun; exec sleep 1000) > '{}'; true", pipe.display());
        let running = tokio::spawn(async move { run(&command, "{}").await });
        let reading = tokio::task::spawn_blocking(move || {
            let mut reader = io::BufReader::new(std::fs::File::open(pipe).unwrap());
            let mut line = String::new();
            io::BufRead::read_line(&mut reader, &mut line).unwrap();
            (line, reader)
        });
        let (line, mut rest) = reading.await.unwrap();
        assert_eq!(line, "begun\n");
        running.abort();
        // Its end of the pipe closes when it ends.
        let copied = tokio::task::spawn_blocking(move || io::copy(&mut rest, &mut io::sink())).await.unwrap();
        assert_eq!(copied.unwrap(), 0);
    }
}
