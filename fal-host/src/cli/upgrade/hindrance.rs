//! Why a new host does not serve, in words for the operator who upgrades (S93a).

use crate::fleet::{FailureCause, RunnerRecord};
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
    let known = FailureCause { exit: *exit, detail: detail.clone(), last_line: None };
    let cause = known.or(cause(host, *id).await);
    format!("runner {id} of the new host has ended with the reason `{reason}`{cause}")
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
    let cause = cause(host, runner.id).await;
    format!("runner {} of the new host {}{cause}{others}", runner.id, state(runner))
}

/// What a runner does that does not serve, as the end of a sentence.
fn state(runner: &RunnerInfo) -> String {
    let last_check = runner.health.as_ref().and_then(|health| health.last_check.as_ref());
    match (runner.awaits_first_pass, last_check) {
        (true, Some(_)) => "is ready and has passed no check yet".to_owned(),
        (true, None) => "is ready and waits for its first check".to_owned(),
        (false, _) => format!("is in {}", runner.state.name()),
    }
}

/// What the new host knows of the cause.
async fn cause(host: &HostHandle, id: RunnerId) -> FailureCause {
    host.runner(id).await.map(|details| details.cause()).unwrap_or_default()
}
