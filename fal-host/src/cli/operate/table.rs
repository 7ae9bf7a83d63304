//! The list of runners as a table.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::client::{block_on, get};
use super::error::OperateError;
use super::show::print;
use super::target::Target;

/// The pause between two tables.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// Moves to the start of a terminal and clears it.
const CLEAR: &str = "\x1b[H\x1b[2J";

const HEADS: [&str; 9] =
    ["RUNNER", "REPLICA", "PID", "STATE", "HEALTH", "AGE", "IN FLIGHT", "SERVED", "NOTE"];

/// Prints the runners, once or every second.
pub(super) fn runners(target: &Target, watch: bool) -> Result<ExitCode, OperateError> {
    block_on(async {
        let clear = if watch && io::stdout().is_terminal() { CLEAR } else { "" };
        loop {
            let shown = get(target, "/runners").await?.or_refused(&[]).await?.json().await?;
            let is_open = print(format!("{clear}{}", table(&shown)).as_bytes())?;
            if !watch || !is_open {
                return Ok(ExitCode::SUCCESS);
            }
            sleep(WATCH_INTERVAL).await;
        }
    })
}

fn table(shown: &Value) -> String {
    let runners = shown.get("runners").and_then(Value::as_array);
    let rows: Vec<_> = runners.into_iter().flatten().map(row).collect();
    let heads = HEADS.map(str::to_owned);
    let widths: Vec<_> = (0..HEADS.len())
        .map(|column| {
            let cells = rows.iter().chain([&heads]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        })
        .collect();
    let line = |row: &[String; 9]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let mut text: String = [&heads].into_iter().chain(&rows).map(line).collect();
    let queued = shown.get("queued").and_then(Value::as_u64).unwrap_or_default();
    if queued > 0 {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{queued} requests wait in the queue");
    }
    if shown.get("paused").is_some() {
        text.push_str("the host is paused: `resume` lets requests go on\n");
    }
    text
}

fn row(runner: &Value) -> [String; 9] {
    let text = |field: &str| match runner.get(field) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let seconds = runner.get("age_seconds").and_then(Value::as_f64).unwrap_or_default();
    let age = humantime::format_duration(Duration::from_secs_f64(seconds.max(0.0).trunc())).to_string();
    let health = runner.get("health").and_then(|health| health.get("verdict")).and_then(Value::as_str);
    [
        text("id"),
        text("index"),
        text("pid"),
        text("state"),
        health.unwrap_or("-").to_owned(),
        age,
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
        notes.push("waits for its first pass".to_owned());
    }
    if is("awaits_min_healthy") {
        notes.push("waits for the minimum healthy time".to_owned());
    }
    if is("deferred") {
        notes.push("replacement deferred".to_owned());
    }
    notes.extend(text("reason").map(|reason| format!("ends: {reason}")));
    notes.extend(text("replacement_due").map(|reason| format!("will be replaced: {reason}")));
    let progress = runner.get("progress").and_then(|progress| progress.get("message")?.as_str());
    notes.extend(progress.map(str::to_owned));
    notes.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_is_aligned_and_has_notes_s87d() {
        let shown = json!({
            "queued": 3,
            "paused": true,
            "runners": [
                { "id": 1, "index": 0, "pid": 4711, "state": "IDLE", "age_seconds": 75.9, "in_flight": 0, "requests": 12,
                  "spare": true, "health": { "verdict": "healthy" } },
                { "id": 12, "index": 1, "pid": null, "state": "CRASH_BACKOFF", "age_seconds": 0.1, "in_flight": 0,
                  "requests": 0, "health": null, "deferred": true, "reason": "unhealthy" },
            ],
        });
        assert_eq!(
            table(&shown),
            "\
RUNNER  REPLICA  PID   STATE          HEALTH   AGE     IN FLIGHT  SERVED  NOTE
1       0        4711  IDLE           healthy  1m 15s  0          12      spare
12      1        -     CRASH_BACKOFF  -        0s      0          0       replacement deferred, ends: unhealthy
3 requests wait in the queue
the host is paused: `resume` lets requests go on
"
        );
    }
}
