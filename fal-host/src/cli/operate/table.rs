//! The list of runners as a table.

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

/// The runners, those that ended last, and what stands out about the host.
fn list(shown: &Value, now: SystemTime) -> String {
    let all = |name: &str| shown.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut text = table(HEADS, all("runners").iter().map(row));
    let ended = all("ended").iter().rev().take(MAX_ENDED);
    if ended.len() > 0 {
        text.push('\n');
        text.push_str(&table(HEADS_OF_ENDED, ended.map(|record| row_of_ended(record, now))));
        text.push_str("`explain ID` says why\n");
    }
    for (number, note) in notes(shown).enumerate() {
        let before = if number == 0 { "\n" } else { "" };
        text.extend([before, note, "\n"]);
    }
    text
}

/// What stands out about a runner or the host.
fn notes(shown: &Value) -> impl Iterator<Item = &str> {
    let notes = shown.get("notes").and_then(Value::as_array).into_iter().flatten();
    notes.filter_map(|note| note.get("text").and_then(Value::as_str))
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
    crate::amounts::whole_seconds(Duration::from_secs_f64(seconds.max(0.0)))
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
        notes(runner).collect::<Vec<_>>().join(", "),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_is_aligned_and_has_notes_s87d_s116() {
        let shown = json!({
            "notes": [{ "kind": "queue", "text": "3 requests wait" }, { "kind": "paused", "text": "the host is paused" }],
            "runners": [
                { "id": 1, "replica": 0, "pid": 4711, "state": "IDLE", "age_seconds": 75.9, "in_flight": 0, "requests": 12,
                  "notes": [{ "kind": "spare", "text": "spare" }], "health": { "verdict": "healthy" } },
                { "id": 12, "replica": 1, "pid": null, "state": "CRASH_BACKOFF", "age_seconds": 0.1, "in_flight": 0,
                  "requests": 0, "health": null, "notes": [{ "kind": "deferred", "text": "deferred" }, { "kind": "ends", "text": "ends: unhealthy" }] },
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
12      1        -     CRASH_BACKOFF  -        0s      0          0       deferred, ends: unhealthy

ENDED  REPLICA  REASON     EXIT                AGO
3      1        abandoned  -                   7s
2      1        exited     signal 9 (SIGKILL)  9m 59s
`explain ID` says why

3 requests wait
the host is paused
"
        );
    }
}
