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

/// Waits for a release at the beginning of each launch. The handles do not tell their processes.
struct Wrapping {
    launchers: std::vec::IntoIter<PortLauncher>,
    begun: mpsc::UnboundedSender<()>,
    releases: std::sync::mpsc::Receiver<()>,
}

impl Launcher for Wrapping {
    fn launch(
        &mut self,
        id: RunnerId,
        reporter: StatusReporter,
    ) -> Result<Box<dyn RunnerHandle>, LaunchError> {
        self.begun.send(()).unwrap();
        self.releases.recv().unwrap();
        self.launchers.next().unwrap().launch(id, reporter).map(|handle| Box::new(Wrapped(handle)) as _)
    }

    fn program(&self) -> Option<String> {
        Some("/app".to_owned())
    }
}

impl Wrapping {
    fn new<const N: usize>(
        launchers: [PortLauncher; N],
    ) -> (Self, mpsc::UnboundedReceiver<()>, std::sync::mpsc::Sender<()>) {
        let (begun, starts) = mpsc::unbounded_channel();
        let (release, releases) = std::sync::mpsc::channel();
        (Self { launchers: Vec::from(launchers).into_iter(), begun, releases }, starts, release)
    }
}

struct Wrapped(Box<dyn RunnerHandle>);

impl RunnerHandle for Wrapped {
    fn address(&self) -> Address {
        self.0.address()
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn terminate(&mut self) {
        self.0.terminate();
    }

    fn kill(&mut self) {
        self.0.kill();
    }
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
async fn a_process_that_is_forked_only_after_the_second_signal_is_killed_s61c() {
    let (launcher, mut forks) = hung_launcher();
    let (held, mut starts, release) = Wrapping::new([launcher]);
    let on_thread = |_| LaunchThread::start(Box::new(held), Handle::current()).unwrap();
    let settings = FleetSettings::new(NonZeroUsize::MIN);
    let mut rig = start_driver_with(settings, "/nowhere".into(), None, on_thread);
    starts.recv().await.unwrap();
    rig.requests.send(ControlRequest::Kill).unwrap();
    assert_eq!(snapshot(&rig.requests).await.runners.len(), 1);
    release.send(()).unwrap();
    let record = next_record(&mut rig).await;
    assert_eq!((record.reason, record.exit), (Reason::Stopped, Some(Exit::Signal(libc::SIGKILL))));
    assert!(next_fork(&mut forks).await.is_some());
    assert_eq!(next_fork(&mut forks).await, None);
}

#[tokio::test]
async fn only_the_process_of_the_present_start_is_killed_s61d_s61e() {
    let (hung, mut forks) = hung_launcher();
    let mut runner = std::process::Command::new("sleep");
    runner.arg("120");
    let (held, _starts, release) = Wrapping::new([PortLauncher::new(runner), hung]);
    let mut thread = LaunchThread::start(Box::new(held), Handle::current()).unwrap();
    let (reports, mut events) = mpsc::unbounded_channel();
    let reporter = |id| StatusReporter::new(id, 0, reports.clone());
    let [first, second] = [1, 2].map(RunnerId::new);
    release.send(()).unwrap();
    thread.launch(first, reporter(first));
    let mut runner = thread.result().await.unwrap().unwrap();
    thread.launch(second, reporter(second));
    assert_eq!(thread.unstarted(), None, "nothing was forked yet");
    release.send(()).unwrap();
    assert!(next_fork(&mut forks).await.is_some());
    assert!(thread.unstarted().is_some());
    thread.kill_unstarted();
    // The end of the first one would be among the reports.
    let _hung = thread.result().await.unwrap().unwrap();
    let exited = timeout(GUARD, events.recv()).await.expect("the second one ends").unwrap();
    assert!(matches!(exited, FleetEvent::Exited { id, .. } if id == second), "{exited:?}");
    runner.kill();
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
