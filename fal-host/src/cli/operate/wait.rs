//! The subcommand `wait`.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::client::{block_on, get};
use super::error::OperateError;
use super::show::print;
use super::target::Target;

/// The pause between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Waits until every replica has a runner that takes requests and is healthy. Exits with 1 after the timeout.
pub(super) fn until_healthy(target: &Target, timeout: Duration) -> Result<ExitCode, OperateError> {
    block_on(async {
        let began = Instant::now();
        loop {
            // A host that has not started yet is waited for, too.
            let missing = match get(target, "/runners").await {
                Ok(response) => missing(&response.or_refused(&[]).await?.json().await?),
                Err(error @ (OperateError::NoHost | OperateError::Unreachable { .. })) => {
                    Some(error.to_string())
                }
                Err(error) => return Err(error),
            };
            let Some(missing) = missing else {
                print(b"every replica has a healthy runner\n")?;
                return Ok(ExitCode::SUCCESS);
            };
            if began.elapsed() >= timeout {
                print(format!("not ready after {timeout:?}: {missing}\n").as_bytes())?;
                return Ok(ExitCode::FAILURE);
            }
            sleep(LOOK_INTERVAL.min(timeout.saturating_sub(began.elapsed()))).await;
        }
    })
}

/// What is missing until every replica has a healthy runner that gets requests. `None` if nothing is.
fn missing(shown: &Value) -> Option<String> {
    if shown.get("paused").is_some() {
        return Some("the host is paused: `resume` lets requests go on".to_owned());
    }
    let empty = Vec::new();
    let runners = shown.get("runners").and_then(Value::as_array).unwrap_or(&empty);
    let text =
        |runner: &Value, field: &str| runner.get(field).and_then(Value::as_str).unwrap_or("?").to_owned();
    let is_in_service = |runner: &&Value| ["IDLE", "RUNNING"].contains(&text(runner, "state").as_str());
    let is_healthy = |runner: &&Value| match runner.get("health") {
        None | Some(Value::Null) => true,
        Some(health) => {
            let verdict = text(health, "verdict");
            // Without periodic checks no check has been made.
            verdict == "healthy" || (verdict == "unknown" && health.get("last_check") == Some(&Value::Null))
        }
    };
    let index = |runner: &Value| runner.get("replica").and_then(Value::as_u64);
    let mut lacking = runners.iter().filter(|runner| {
        let same = |other: &&Value| index(other) == index(runner);
        !runners.iter().filter(same).any(|other| is_in_service(&other) && is_healthy(&other))
    });
    match lacking.next() {
        Some(runner) => {
            let (id, state) =
                (runner.get("id").and_then(Value::as_u64).unwrap_or_default(), text(runner, "state"));
            let health = runner.get("health").map(|health| text(health, "verdict")).unwrap_or_default();
            Some(format!("runner {id} is {state}, {health}"))
        }
        None if runners.is_empty() => Some("there is no runner".to_owned()),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_replica_needs_a_healthy_runner_in_the_rotation_s87d() {
        let runner = |id: u64, index: u64, state: &str, verdict: &str| json!({ "id": id, "replica": index, "state": state, "health": { "verdict": verdict, "last_check": {} } });
        let all = |runners: &[Value]| missing(&json!({ "runners": runners }));
        assert_eq!(all(&[]), Some("there is no runner".to_owned()));
        assert_eq!(all(&[runner(1, 0, "IDLE", "healthy"), runner(2, 1, "RUNNING", "healthy")]), None);
        let starting = [runner(1, 0, "IDLE", "healthy"), runner(2, 1, "SETUP", "unknown")];
        assert_eq!(all(&starting), Some("runner 2 is SETUP, unknown".to_owned()));
        let failing = [runner(1, 0, "IDLE", "failing")];
        assert_eq!(all(&failing), Some("runner 1 is IDLE, failing".to_owned()));
        let replaced = [runner(1, 0, "TERMINATING", "unhealthy"), runner(3, 0, "IDLE", "healthy")];
        assert_eq!(all(&replaced), None);
        let unchecked = json!({ "runners": [{ "id": 1, "replica": 0, "state": "IDLE", "health": null }] });
        assert_eq!(missing(&unchecked), None);
        let paused = json!({ "paused": true, "runners": [runner(1, 0, "IDLE", "healthy")] });
        assert_eq!(missing(&paused), Some("the host is paused: `resume` lets requests go on".to_owned()));
    }
}
