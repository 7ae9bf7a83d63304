//! Waiting until no process of a runner's group is left.

use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process_group};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::cgroup::Cgroup;

/// The pause between two looks, at first and at most: it doubles each time.
const MIN_PAUSE: Duration = Duration::from_millis(1);
const MAX_PAUSE: Duration = Duration::from_millis(250);

/// From this pause on, all processes of the system are searched for those that are left of the group. Before that, most have
/// ended.
const SEARCH_FROM: Duration = Duration::from_millis(64);

/// Resolves when every process of a group has ended, whose leader was reaped. A killed process can take long to end: it
/// may be frozen, wait for a device, or have much memory.
///
/// The system may give the id of an empty group to another one. No signal is sent to it here.
pub(super) async fn vacated(group: Pid, cgroup: Option<&Cgroup>) {
    let mut pause = MIN_PAUSE;
    let mut left = Vec::new();
    while cgroup.is_some_and(Cgroup::is_populated) || is_occupied(group, pause, &mut left).await {
        sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

/// Whether a process of the group has not ended. `left` keeps those that were found: the next search follows when all of them
/// have ended. Since the group was killed, no new process joins it.
async fn is_occupied(group: Pid, pause: Duration, left: &mut Vec<Pid>) -> bool {
    if test_kill_process_group(group) == Err(Errno::SRCH) {
        return false;
    }
    if pause < SEARCH_FROM {
        return true;
    }
    left.retain(|process| lives_in(group, *process));
    if left.is_empty() {
        // The search takes milliseconds if the system has thousands of processes, and the host makes checks meanwhile.
        match spawn_blocking(move || search(group)).await {
            Ok(Some(found)) => *left = found,
            Ok(None) | Err(_) => return true,
        }
    }
    !left.is_empty()
}

/// Whether the process belongs to the group and has not ended. One that has ended and was not reaped still belongs to its
/// group.
fn lives_in(group: Pid, process: Pid) -> bool {
    let stat =
        std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).unwrap_or_default();
    // The name of the program ends with the last parenthesis. The state, the parent and the group follow.
    let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let is_living = !matches!(fields.next(), Some("Z" | "X"));
    is_living && fields.nth(1).and_then(|group| group.parse().ok()) == Some(group.as_raw_nonzero().get())
}

/// The processes of the group that have not ended. `None` if the system does not list processes.
fn search(group: Pid) -> Option<Vec<Pid>> {
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let ids = processes.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
    cfg!(target_os = "linux").then(|| ids.filter(|process| lives_in(group, *process)).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command};

    use super::*;

    fn sleeping(group: i32) -> Child {
        Command::new("sleep").arg("1000").process_group(group).spawn().unwrap()
    }

    fn end(mut child: Child) {
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[tokio::test]
    async fn a_group_is_vacated_when_its_last_process_has_ended_reaped_or_not_s60b() {
        let leader = sleeping(0);
        let group = Pid::from_child(&leader);
        let (member, mut unreaped) =
            (sleeping(group.as_raw_nonzero().get()), sleeping(group.as_raw_nonzero().get()));
        end(leader);
        unreaped.kill().unwrap();
        let mut vacated = std::pin::pin!(vacated(group, None));
        tokio::select! {
            biased;
            () = &mut vacated => panic!("a process of the group lives"),
            () = sleep(MAX_PAUSE) => {}
        }
        end(member);
        tokio::time::timeout(Duration::from_secs(20), vacated).await.expect("the group is empty");
        unreaped.wait().unwrap();
    }
}
