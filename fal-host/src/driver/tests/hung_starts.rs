//! Launches whose program the system does not execute (S61).

use tokio::net::unix::pipe;
use tokio::runtime::Handle;

use super::*;
use crate::PortLauncher;
use crate::fleet::RunnerRecord;
use crate::launch::{NOT_EXECUTED, never_executed};

fn hung_launcher() -> (PortLauncher, pipe::Receiver) {
    let (command, forks) = never_executed();
    (PortLauncher::new(command), forks)
}

async fn next_fork(forks: &mut pipe::Receiver) -> Option<u8> {
    timeout(GUARD, forks.read_u8()).await.expect("a process forks, or all have ended").ok()
}

fn start_hung_driver(settings: FleetSettings) -> (Rig, pipe::Receiver) {
    let (launcher, forks) = hung_launcher();
    let on_thread = |_| LaunchThread::start(Box::new(launcher), Handle::current()).unwrap();
    (start_driver_with(settings, "/nowhere".into(), None, on_thread), forks)
}

async fn next_record(rig: &mut Rig) -> RunnerRecord {
    loop {
        let event = timeout(GUARD, rig.events.recv()).await.expect("a runner ends").unwrap();
        if let EventKind::Terminated(record) = event.kind {
            return record;
        }
    }
}

#[tokio::test]
async fn a_program_that_is_not_executed_in_time_is_killed_and_its_start_has_failed_s35c_s48a_s61e() {
    let settings = FleetSettings {
        startup_timeout: Some(Duration::from_millis(200)),
        give_up: GiveUp::After(NonZeroU32::new(2).unwrap()),
        ..FleetSettings::new(NonZeroUsize::MIN)
    };
    let (mut rig, mut forks) = start_hung_driver(settings);
    for _ in 0..2 {
        let record = next_record(&mut rig).await;
        assert_eq!((record.reason, record.exit), (Reason::StartupTimeout, Some(Exit::Signal(libc::SIGKILL))));
        let detail = record.detail.unwrap();
        let parts = [NOT_EXECUTED, "/bin/true; ", "`ls -l /bin/true`", "; not ready within 200ms"];
        assert!(parts.iter().all(|part| detail.contains(part)), "{detail}");
    }
    timeout(GUARD, rig.requests.closed()).await.expect("the host has given up");
    while next_fork(&mut forks).await.is_some() {}
}

#[tokio::test]
async fn a_second_signal_kills_the_process_that_is_being_started_s41e_s61c() {
    let (mut rig, mut forks) = start_hung_driver(FleetSettings::new(NonZeroUsize::MIN));
    assert!(next_fork(&mut forks).await.is_some());
    rig.requests.send(ControlRequest::Kill).unwrap();
    let record = next_record(&mut rig).await;
    assert_eq!((record.reason, record.exit), (Reason::Stopped, Some(Exit::Signal(libc::SIGKILL))));
    timeout(GUARD, rig.requests.closed()).await.expect("the host ends");
    assert_eq!(next_fork(&mut forks).await, None);
}

#[tokio::test]
async fn a_host_that_ends_during_a_start_leaves_no_process_behind_s41f_s61c() {
    let (launcher, mut forks) = hung_launcher();
    let mut thread = LaunchThread::start(Box::new(launcher), Handle::current()).unwrap();
    let id = RunnerId::new(1);
    thread.launch(id, StatusReporter::new(id, 0, mpsc::unbounded_channel().0));
    assert!(next_fork(&mut forks).await.is_some());
    drop(thread);
    assert_eq!(next_fork(&mut forks).await, None);
}
