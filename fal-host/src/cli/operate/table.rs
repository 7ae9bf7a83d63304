//! The list of runners as a table.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::Value;
use tokio::time::sleep;

use super::client::{block_on, get};
use super::error::OperateError;
use super::show::print;
use super::target::Target;
use crate::fleet::Exit;

/// The pause between two tables.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// Moves to the start of a terminal and clears it.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// How many of the runners that ended last are listed.
const MAX_ENDED: usize = 5;

const HEADS: [&str; 9] =
    ["RUNNER", "REPLICA", "PID", "STATE", "HEALTH", "AGE", "IN FLIGHT", "SERVED", "NOTE"];

const HEADS_OF_ENDED: [&str; 5] = ["ENDED", "REPLICA", "REASON", "EXIT", "AGO"];

/// Prints the runners, once or every second.
pub(super) fn runners(target: &Target, watch: bool) -> Result<ExitCode, OperateError> {
    block_on(async {
        let clear = if watch && io::stdout().is_terminal() { CLEAR } else { "" };
        loop {
            let shown = get(target, "/runners").await?.or_refused(&[]).await?.json().await?;
            let is_open = print(format!("{clear}{}", list(&shown, SystemTime::now())).as_bytes())?;
            if !watch || !is_open {
                return Ok(ExitCode::SUCCESS);
            }
            sleep(WATCH_INTERVAL).await;
        }
    })
}

/// The runners, those that ended last, and what is special about the host.
fn list(shown: &Value, now: SystemTime) -> String {
    let all = |name: &str| shown.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut text = table(HEADS, all("runners").iter().map(row));
    let ended = all("ended").iter().rev().take(MAX_ENDED);
    if ended.len() > 0 {
        text.push('\n');
        text.push_str(&table(HEADS_OF_ENDED, ended.map(|record| row_of_ended(record, now))));
        text.push_str("`explain ID` says why\n\n");
    }
    let queued = shown.get("queued").and_then(Value::as_u64).unwrap_or_default();
    if queued > 0 {
        // Writing to a string does not fail.
        let requests = if queued == 1 { "request waits" } else { "requests wait" };
        let _ = writeln!(text, "{queued} {requests} in the queue");
    }
    if let Some(restart) = shown.get("restart").and_then(|restart| told_restart(restart, all("ended"), now)) {
        text.push_str(&restart);
    }
    if shown.get("paused").is_some() {
        text.push_str("the host is paused: `resume` lets requests go on\n");
    }
    text
}

/// A rolling restart that is under way or has failed.
fn told_restart(restart: &Value, ended: &[Value], now: SystemTime) -> Option<String> {
    let number = |field: &str| restart.get(field).and_then(Value::as_u64);
    if let Some(remaining) = number("remaining") {
        let runners = if remaining == 1 { "runner is" } else { "runners are" };
        return Some(format!("a rolling restart is under way: {remaining} {runners} yet to be replaced\n"));
    }
    let (runner, reason) = (number("runner")?, restart.get("reason")?.as_str()?);
    let record = ended.iter().find(|record| record.get("id").and_then(Value::as_u64) == Some(runner));
    let ago = record.map(|record| format!(" {} ago", ended_ago(record, now))).unwrap_or_default();
    Some(format!(
        "the last rolling restart failed{ago}: its new runner {runner} ended as {reason} (`explain {runner}`); the runners that it \
         had not replaced stay\n"
    ))
}

/// Rows in aligned columns.
fn table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<_> = [heads.map(str::to_owned)].into_iter().chain(rows).collect();
    let widths: Vec<_> = (0..N)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        })
        .collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn row_of_ended(record: &Value, now: SystemTime) -> [String; 5] {
    let number = |field: &str| record.get(field).and_then(Value::as_u64).unwrap_or_default().to_string();
    let reason = record.get("reason").and_then(Value::as_str).unwrap_or("-").to_owned();
    let exit = record.get("exit").and_then(|exit| Exit::deserialize(exit).ok());
    let exit = exit.map_or_else(|| "-".to_owned(), |exit| exit.to_string());
    [number("id"), number("replica"), reason, exit, ended_ago(record, now)]
}

/// How long ago a runner ended.
fn ended_ago(record: &Value, now: SystemTime) -> String {
    let ended_at = record.get("ended_at").and_then(Value::as_f64).unwrap_or_default();
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    whole_seconds(now - ended_at)
}

fn whole_seconds(seconds: f64) -> String {
    humantime::format_duration(Duration::from_secs_f64(seconds.max(0.0).trunc())).to_string()
}

fn row(runner: &Value) -> [String; 9] {
    let text = |field: &str| match runner.get(field) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let seconds = runner.get("age_seconds").and_then(Value::as_f64).unwrap_or_default();
    let health = runner.get("health").and_then(|health| health.get("verdict")).and_then(Value::as_str);
    [
        text("id"),
        text("replica"),
        text("pid"),
        text("state"),
        health.unwrap_or("-").to_owned(),
        whole_seconds(seconds),
        text("in_flight"),
        text("requests"),
        note(runner),
    ]
}

/// What is special about a runner.
fn note(runner: &Value) -> String {
    let is = |field: &str| runner.get(field) == Some(&Value::Bool(true));
    let text = |field: &str| runner.get(field).and_then(Value::as_str);
    let mut notes = Vec::new();
    if is("spare") {
        notes.push("spare".to_owned());
    }
    if is("awaits_first_pass") {
        notes.push("waits for its first passed check".to_owned());
    }
    if is("awaits_min_healthy") {
        notes.push("waits for the minimum healthy time".to_owned());
    }
    if is("deferred") {
        notes.push("replacement deferred".to_owned());
    }
    notes.extend(text("reason").map(|reason| format!("ends: {reason}")));
    notes.extend(text("replacement_due").map(|reason| format!("will be replaced: {reason}")));
    // In SETUP it is known what a server without this SDK listens on. The first clause says it.
    let detail = text("detail").filter(|_| text("state") == Some("SETUP"));
    notes.extend(detail.and_then(|detail| detail.split(": ").next()).map(str::to_owned));
    let progress = runner.get("progress").and_then(|progress| progress.get("message")?.as_str());
    notes.extend(progress.map(str::to_owned));
    notes.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_list_says_how_the_last_rolling_restart_failed_s52c_s87d() {
        let told = |restart: Value| {
            let ended = json!([{ "id": 3, "replica": 0, "reason": "setup_failed", "exit": { "status": 9 }, "ended_at": 820.0 }]);
            let shown = json!({ "runners": [], "ended": ended, "restart": restart });
            list(&shown, UNIX_EPOCH + Duration::from_secs(1_000))
                .lines()
                .last()
                .unwrap_or_default()
                .to_owned()
        };
        assert_eq!(
            told(json!({ "status": "aborted", "runner": 3, "reason": "setup_failed" })),
            "the last rolling restart failed 3m ago: its new runner 3 ended as setup_failed (`explain 3`); the runners that it had not \
             replaced stay"
        );
        let under_way = told(json!({ "status": "restarting", "remaining": 2 }));
        assert_eq!(under_way, "a rolling restart is under way: 2 runners are yet to be replaced");
        assert_eq!(told(json!({ "status": "completed" })), "");
    }

    #[test]
    fn a_note_says_where_a_runner_listens_that_is_not_ready_s49c_s87d() {
        let runner = |detail: &str| json!({ "state": "SETUP", "detail": detail });
        assert_eq!(
            note(&runner(
                "the runner listens on 127.0.0.1:41725: expected 127.0.0.1:44469; have the program"
            )),
            "the runner listens on 127.0.0.1:41725"
        );
        assert_eq!(note(&json!({ "state": "IDLE", "detail": "it uses 20 MiB" })), "");
    }

    #[test]
    fn the_table_is_aligned_and_has_notes_s87d() {
        let shown = json!({
            "queued": 3,
            "paused": true,
            "runners": [
                { "id": 1, "replica": 0, "pid": 4711, "state": "IDLE", "age_seconds": 75.9, "in_flight": 0, "requests": 12,
                  "spare": true, "health": { "verdict": "healthy" } },
                { "id": 12, "replica": 1, "pid": null, "state": "CRASH_BACKOFF", "age_seconds": 0.1, "in_flight": 0,
                  "requests": 0, "health": null, "deferred": true, "reason": "unhealthy" },
            ],
            "ended": [
                { "id": 2, "replica": 1, "reason": "exited", "exit": { "signal": 9 }, "ended_at": 400.5 },
                { "id": 3, "replica": 1, "reason": "abandoned", "exit": null, "ended_at": 993.0 },
            ],
        });
        assert_eq!(
            list(&shown, UNIX_EPOCH + Duration::from_secs(1_000)),
            "\
RUNNER  REPLICA  PID   STATE          HEALTH   AGE     IN FLIGHT  SERVED  NOTE
1       0        4711  IDLE           healthy  1m 15s  0          12      spare
12      1        -     CRASH_BACKOFF  -        0s      0          0       replacement deferred, ends: unhealthy

ENDED  REPLICA  REASON     EXIT                AGO
3      1        abandoned  -                   7s
2      1        exited     signal 9 (SIGKILL)  9m 59s
`explain ID` says why

3 requests wait in the queue
the host is paused: `resume` lets requests go on
"
        );
    }
}
