//! Runners whose host has exited (S41), and processes that are not runners.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use fal_health::protocol::Assignment;
use rustix::process::Signal;

use crate::host::{Runner, this_program};
use crate::stop::hold_every_thread;

const GRACE: Duration = Duration::from_secs(3600);

fn ready() -> Runner {
    let mut runner = Runner::start("patient", "", GRACE);
    runner.wait_until_ready();
    runner
}

#[test]
fn a_runner_ends_with_all_that_it_has_started_when_its_host_has_exited_s41f() {
    let runner = ready();
    assert_eq!(runner.send("/spawn").answer(), "spawned");
    // The output ends when every process that holds it has ended, including the one that the runner started.
    let ended = runner.abandoned();
    assert_eq!(ended.signal, Some(Signal::KILL.as_raw()));
    assert_eq!(ended.marks, [""; 0], "neither handle_exit nor teardown");
}

#[test]
fn a_runner_whose_every_thread_is_held_ends_when_its_host_has_exited_s41f() {
    let mut runner = ready();
    let _calls = hold_every_thread(&mut runner);
    assert_eq!(runner.abandoned().signal, Some(Signal::KILL.as_raw()));
}

#[test]
fn a_runner_in_its_setup_ends_when_its_host_has_exited_s41f() {
    let mut runner = Runner::start("stubborn", "", GRACE);
    runner.wait_for_mark("setup");
    assert_eq!(runner.abandoned().signal, Some(Signal::KILL.as_raw()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_suspended_runner_ends_when_its_host_has_exited_s41f() {
    let ((started, runner), (end, ended)) = (mpsc::channel(), mpsc::channel::<()>());
    // For the system, the thread that started a process is its parent.
    let host = thread::spawn(move || {
        started.send(ready()).unwrap();
        ended.recv().unwrap_err();
    });
    let runner = runner.recv().unwrap();
    runner.suspend();
    drop(end);
    host.join().unwrap();
    assert_eq!(runner.abandoned().signal, Some(Signal::KILL.as_raw()));
}

#[test]
fn a_child_of_a_runner_is_no_runner_though_it_inherits_the_environment() {
    let runner = ready();
    let printed = runner.send("/again").answer();
    assert!(printed.contains("mark no runner"), "{printed}");
    runner.terminate();
    assert_eq!(runner.ended().code, Some(0));
}

#[test]
fn a_runner_whose_host_went_before_it_could_look_ends_at_once_s41f() {
    let mut command = this_program().unwrap();
    // This test's process is the parent; the host is a process that does not exist any more.
    let host_pid = u32::try_from(i32::MAX - 1).unwrap();
    command.envs(Assignment::new(host_pid, "unix:/nowhere/socket".parse().unwrap()).variables());
    let runner = Runner::start_orphaned(command);
    assert_eq!(runner.ended().signal, Some(Signal::KILL.as_raw()));
}

#[test]
fn a_process_without_an_assignment_is_not_a_runner() {
    let printed = this_program().unwrap().output().unwrap();
    assert!(String::from_utf8_lossy(&printed.stdout).contains("mark no runner"));
}
