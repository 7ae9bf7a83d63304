//! Hosts in processes of their own: what a process has from its starter, and what several hosts of it share.
//!
//! A test of these starts this program again, for one test that does nothing in other runs.

use std::os::unix::process::CommandExt;
use std::path::Path;

use super::*;

/// The directory of the test that has started this process.
const SHARED: &str = "FAL_TEST_SHARED";

/// Runs one test of this file in a process of its own, which is started by this command line. Returns whether it passed.
fn run(starter: &[&str], test: &str, shared: &Path) -> bool {
    run_with(starter, test, shared, |_| {})
}

fn run_with(starter: &[&str], test: &str, shared: &Path, prepare: impl FnOnce(&mut Command)) -> bool {
    let program = std::env::current_exe().unwrap();
    let test = format!("launch::tests::own_process::{test}");
    let listed = Command::new(&program).args(["--list", "--exact", &test]).output().unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).contains("1 test"), "there is no test {test}");
    let mut command = Command::new(starter.first().map_or(program.as_os_str(), std::ffi::OsStr::new));
    command.args(starter.iter().skip(1));
    if !starter.is_empty() {
        command.arg(&program);
    }
    command.args(["--exact", &test, "--nocapture", "--test-threads=1"]).env(SHARED, shared);
    prepare(&mut command);
    command.process_group(0).status().unwrap().success()
}

fn shared() -> Option<std::path::PathBuf> {
    std::env::var_os(SHARED).map(Into::into)
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn launch(
    launcher: &mut impl Launcher,
    id: u64,
) -> (Box<dyn RunnerHandle>, mpsc::UnboundedReceiver<FleetEvent>) {
    let (sender, fleet_events) = mpsc::unbounded_channel();
    let id = RunnerId::new(id);
    let runner = launcher.launch(id, StatusReporter::new(id, 0, sender)).unwrap();
    (runner, fleet_events)
}

async fn exited(fleet_events: &mut mpsc::UnboundedReceiver<FleetEvent>) -> Exit {
    loop {
        let event = tokio::time::timeout(GUARD, fleet_events.recv()).await.expect("the runner ends").unwrap();
        if let FleetEvent::Exited { exit, .. } = event {
            return exit;
        }
    }
}

#[tokio::test]
async fn a_host_whose_starter_blocks_and_ignores_signals() {
    let Some(shared) = shared() else { return };
    let script = |name: &str| {
        shell(&format!("grep -E '^Sig(Blk|Ign):' /proc/self/status > {}", shared.join(name).display()))
    };
    let mut own = ProcessLauncher::new(script("own"), Duration::from_secs(5)).unwrap();
    let mut other = PortLauncher::new(script("other"));
    let ((_one, mut first), (_two, mut second)) = (launch(&mut own, 1), launch(&mut other, 2));
    assert_eq!((exited(&mut first).await, exited(&mut second).await), (Exit::Status(0), Exit::Status(0)));
}

#[cfg(target_os = "linux")]
#[test]
fn a_runner_starts_with_no_blocked_and_no_ignored_signal_s60a() {
    let directory = tempfile::tempdir().unwrap();
    let starter = ["env", "--ignore-signal=HUP,INT,TERM,USR2", "--block-signal=TERM,CHLD,USR1"];
    assert!(run(&starter, "a_host_whose_starter_blocks_and_ignores_signals", directory.path()));
    for name in ["own", "other"] {
        let status = std::fs::read_to_string(directory.path().join(name)).unwrap();
        let sets =
            status.lines().map(|line| u64::from_str_radix(line.split_once('\t').unwrap().1, 16).unwrap());
        // Without the signals 32 and 33, which the C library keeps for itself.
        let sets: Vec<_> = sets.map(|set| set & !(3 << 31)).collect();
        assert_eq!(sets, [0, 0], "{name}: blocked and ignored");
    }
}

/// Starts a runner that leaves a process behind in another group, and returns the id of that process when it is an orphan.
async fn start_with_orphan(launcher: &mut ProcessLauncher, id: u64) -> (Box<dyn RunnerHandle>, u32) {
    let (runner, _) = launch(launcher, id);
    let path = shared().unwrap().join(id.to_string());
    let own = format!("{}\n", std::process::id());
    let orphan = tokio::time::timeout(GUARD, async {
        loop {
            let pid = std::fs::read_to_string(&path).ok().and_then(|pid| pid.trim().parse::<u32>().ok());
            if let Some(pid) = pid
                && std::fs::read_to_string(format!("/proc/{pid}/status"))
                    .is_ok_and(|status| status.contains(&format!("PPid:\t{own}")))
            {
                return pid;
            }
            tokio::task::yield_now().await;
        }
    });
    (runner, orphan.await.expect("an orphan"))
}

fn is_alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn two_hosts_of_one_process() {
    let Some(shared) = shared() else { return };
    adopt_orphans().unwrap();
    let script = format!(
        "setsid sh -c 'exec setsid sleep 1000 & echo $! > {0}/part; mv {0}/part {0}/$FAL_RUNNER_ID'; exec sleep 1000",
        shared.display()
    );
    let launcher = || ProcessLauncher::new(shell(&script), Duration::from_secs(5)).unwrap();
    let (mut one, mut two) = (launcher(), launcher());
    let (mut first, orphan_of_first) = start_with_orphan(&mut one, 1).await;
    let (mut second, orphan_of_second) = start_with_orphan(&mut two, 2).await;
    first.kill();
    tokio::time::timeout(GUARD, async {
        while is_alive(orphan_of_first) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("an orphan ends with its runner");
    drop(one);
    assert!(is_alive(orphan_of_second), "it is the other host's");
    second.kill();
    drop(two);
    tokio::time::timeout(GUARD, async {
        while is_alive(orphan_of_second) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("an orphan ends with the last host");
}

#[cfg(target_os = "linux")]
#[test]
fn hosts_of_one_process_do_not_end_each_others_processes_s60d() {
    let directory = tempfile::tempdir().unwrap();
    assert!(run(&[], "two_hosts_of_one_process", directory.path()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_host_without_proc() {
    if shared().is_some() {
        adopt_orphans().unwrap_err();
        assert_eq!(rustix::process::child_subreaper().unwrap(), None);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn where_child_processes_are_not_listed_no_orphan_is_adopted_s60e() {
    let unshare = ["unshare", "--user", "--map-root-user", "--mount"];
    let hidden = ["sh", "-c", "mount -t tmpfs none /proc && exec \"$0\" \"$@\""];
    if !Command::new(unshare[0])
        .args(&unshare[1..])
        .args(hidden)
        .arg("true")
        .status()
        .is_ok_and(|it| it.success())
    {
        eprintln!("not tested: this process may not mount anything");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    assert!(run(&[&unshare[..], &hidden].concat(), "a_host_without_proc", directory.path()));
}

/// More runners than a runtime has threads for blocking work.
const MANY: u64 = 520;

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_host_without_pidfds() {
    if shared().is_none() {
        return;
    }
    let own = rustix::process::getpid();
    rustix::process::pidfd_open(own, rustix::process::PidfdFlags::empty()).unwrap_err();
    crate::raise_open_files().unwrap();
    let mut launcher = ProcessLauncher::new(shell("exec sleep 1000"), Duration::from_secs(5)).unwrap();
    let mut runners: Vec<_> = (1..=MANY).map(|id| launch(&mut launcher, id)).collect();
    // The last one is the first to end.
    for (runner, fleet_events) in runners.iter_mut().rev() {
        runner.kill();
        assert_eq!(exited(fleet_events).await, Exit::Signal(9));
    }
}

/// Makes the processes of a command unable to open a pidfd, as a container's seccomp profile may.
#[cfg(target_os = "linux")]
fn forbid_pidfds(command: &mut Command) {
    let instruction = |code, operand, if_equal| libc::sock_filter { code, jt: if_equal, jf: 0, k: operand };
    let number = u32::try_from(libc::SYS_pidfd_open).unwrap();
    let mut filter = [
        // Load the number of the system call; skip one instruction if it is this; allow it; or fail with EPERM.
        instruction(0x20, 0, 0),
        instruction(0x15, number, 1),
        instruction(0x06, libc::SECCOMP_RET_ALLOW, 0),
        instruction(0x06, libc::SECCOMP_RET_ERRNO | 1, 0),
    ];
    let install = move || {
        let program = libc::sock_fprog { len: 4, filter: filter.as_mut_ptr() };
        // SAFETY: the program and its filter live until the calls have returned.
        #[expect(unsafe_code, reason = "no safe function installs a filter")]
        let installed = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
        };
        if installed { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    #[expect(unsafe_code, reason = "nothing else runs between fork and exec")]
    // SAFETY: the closure makes system calls. It does not allocate or lock.
    unsafe {
        command.pre_exec(install);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn without_pidfds_the_end_of_any_number_of_runners_is_noticed_s60c() {
    let directory = tempfile::tempdir().unwrap();
    assert!(run_with(&[], "a_host_without_pidfds", directory.path(), forbid_pidfds));
}
