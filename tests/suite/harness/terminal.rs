//! A terminal, and a program in its background.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::thread;

use fal_tests::end_with_test;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::process::Command;

use super::{Process, Program};

/// Opens a terminal: the side of the one who looks at it, and the path of the other one, for programs.
pub(crate) fn open_terminal() -> (OwnedFd, String) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    (terminal, name)
}

/// Runs a program as `program &` of a shell whose terminal stops processes in the background that write to it
/// (`stty tostop`). The terminal is the program's standard input and standard error. Returns the shell, whose standard error
/// has what is shown on the terminal, and the program.
pub(crate) async fn run_in_background(program: &Command) -> (Program, Process) {
    let (terminal, name) = open_terminal();
    let end = || OpenOptions::new().read(true).write(true).open(&name).unwrap();
    let program = program.as_std();
    let mut shell = Command::new("setsid");
    shell.args(["--ctty", "sh", "-c", r#"stty tostop; set -m; "$0" "$@" & echo "process $!"; wait"#]);
    shell.arg(program.get_program()).args(program.get_args());
    shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.stdin(end()).stdout(Stdio::piped()).stderr(end()).kill_on_drop(true);
    end_with_test(shell.as_std_mut());
    let shell = Program::of(shell.spawn().unwrap());
    let shown = shell.stderr.clone();
    thread::spawn(move || {
        // The read fails when the last process has closed its end.
        BufReader::new(File::from(terminal)).lines().map_while(Result::ok).for_each(|line| shown.add(line));
    });
    let started = shell.stdout.line("process ").await;
    (shell, Process::new(started.split(' ').nth(1).unwrap().parse().unwrap()))
}
