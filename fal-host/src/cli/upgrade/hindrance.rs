//! Why a new host does not serve, in words for the operator who upgrades (S93a).

use crate::evidence::last_line;
use crate::fleet::RunnerRecord;
use crate::snapshot::RunnerInfo;
use crate::{HostHandle, RunnerId, RunnerState};

pub(super) const HOST_ENDED: &str = "the new host has ended";

/// Whether a runner serves for its replica.
pub(super) fn serves(runner: &RunnerInfo) -> bool {
    matches!(runner.state, RunnerState::Idle | RunnerState::Running) && !runner.spare
}

/// A runner has ended: what its record says, and the last line that it printed.
pub(super) async fn runner_ended(host: &HostHandle, record: &RunnerRecord) -> String {
    let RunnerRecord { id, reason, exit, detail, .. } = record;
    let exit = exit.map(|exit| format!(" ({exit})")).unwrap_or_default();
    let detail = detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
    let printed = printed(host, *id).await;
    format!("its runner {id} has ended with the reason `{reason}`{exit}{detail}{printed}")
}

/// What a host waits for whose replicas do not all serve.
pub(super) async fn what_it_waits_for(host: &HostHandle) -> String {
    let Some(snapshot) = host.snapshot().await else { return HOST_ENDED.to_owned() };
    let missing: Vec<_> = snapshot.runners.iter().filter(|runner| !runner.spare && !serves(runner)).collect();
    let Some(runner) = missing.first() else { return "each of its runners serves by now".to_owned() };
    let others = match missing.len() - 1 {
        0 => String::new(),
        others => format!(", and {others} more do not serve"),
    };
    let printed = printed(host, runner.id).await;
    format!("its runner {} {}{others}{printed}", runner.id, state(runner))
}

/// What a runner does that does not serve, as the end of a sentence.
fn state(runner: &RunnerInfo) -> String {
    let last_check = runner.health.as_ref().and_then(|health| health.last_check.as_ref());
    match (runner.awaits_first_pass, last_check) {
        (true, Some(check)) => {
            format!("is ready and has passed no check yet (the last check: {})", check.outcome)
        }
        (true, None) => "is ready and waits for its first check".to_owned(),
        (false, _) => format!("is in {}", runner.state.name()),
    }
}

/// The last line that a runner printed, as the end of a sentence.
async fn printed(host: &HostHandle, id: RunnerId) -> String {
    let details = host.runner(id).await;
    let line = details.as_ref().and_then(|details| last_line(&details.output));
    line.map(|line| format!("; it printed last: {line}")).unwrap_or_default()
}
