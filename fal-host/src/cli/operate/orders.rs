//! The subcommands that change something.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::Value;

use super::client::{self, block_on};
use super::error::OperateError;
use super::show::print;
use super::target::Target;

/// Orders something for a runner.
pub(super) fn order(target: &Target, id: u64, order: &str) -> Result<ExitCode, OperateError> {
    block_on(async {
        client::post(target, &format!("/runners/{id}/{order}")).await?.or_refused(&[]).await?;
        print(format!("runner {id}: {order} accepted; `explain {id}` says how it goes on\n").as_bytes())?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Orders something for the host, and prints its new state.
pub(super) fn post(target: &Target, page: &str) -> Result<ExitCode, OperateError> {
    block_on(async {
        let body = client::post(target, page).await?.or_refused(&[]).await?.json().await?;
        print(format!("the host is {}\n", text(&body, "status")).as_bytes())?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Changes how many runners there are.
pub(super) fn scale(target: &Target, runners: u16) -> Result<ExitCode, OperateError> {
    block_on(async {
        client::post(target, &format!("/scale?runners={runners}")).await?.or_refused(&[]).await?;
        print(format!("there will be {runners} runners; `wait` waits for them\n").as_bytes())?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Starts a rolling restart, and waits for its end if asked to.
pub(super) fn restart(target: &Target, wait: bool) -> Result<ExitCode, OperateError> {
    block_on(async {
        let page = if wait { "/restart?wait=true" } else { "/restart" };
        let aborted = [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::SERVICE_UNAVAILABLE];
        let response = client::post(target, page).await?;
        let response = response.or_refused(if wait { &aborted } else { &[] }).await?;
        let succeeded = response.status.is_success();
        let body = response.json().await?;
        let detail = text(&body, "detail");
        let line = match body.get("id") {
            Some(id) if !wait => {
                format!(
                    "rolling restart {id} begins: `runners` says how it goes on, and `restart --wait` waits for its end\n"
                )
            }
            Some(id) if detail.is_empty() => format!("rolling restart {id}: {}\n", text(&body, "status")),
            Some(id) => format!("rolling restart {id}: {}: {detail}\n", text(&body, "status")),
            None => return Err(OperateError::Refused(detail.to_owned())),
        };
        print(line.as_bytes())?;
        Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

/// Lets a new version of the program take over, and waits until that serves.
pub(super) fn upgrade(
    target: &Target,
    program: Option<&Path>,
    timeout: Option<Duration>,
) -> Result<ExitCode, OperateError> {
    let mut query = Vec::new();
    if let Some(program) = program {
        // The host has a directory of its own.
        let program = std::path::absolute(program)?;
        query.push(format!("program={}", percent_encode(program.as_os_str().as_bytes(), NON_ALPHANUMERIC)));
    }
    query.extend(timeout.map(|timeout| format!("timeout_ms={}", timeout.as_millis())));
    block_on(async {
        let response = client::post(target, &format!("/upgrade?{}", query.join("&"))).await?;
        let body = response.or_refused(&[]).await?.json().await?;
        let pid = body.get("pid").and_then(Value::as_u64).unwrap_or_default();
        let paused = body.get("paused").and_then(Value::as_bool).unwrap_or_default();
        let does = if paused {
            "has taken over, and is still paused: `resume` lets requests go on"
        } else {
            "serves now"
        };
        print(format!("process {pid} {does}\n").as_bytes())?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Makes a manual check.
pub(super) fn check(target: &Target, id: u64) -> Result<ExitCode, OperateError> {
    block_on(async {
        let response = client::post(target, &format!("/runners/{id}/check")).await?;
        let response = response.or_refused(&[StatusCode::BAD_GATEWAY]).await?;
        let passed = response.status.is_success();
        let body = response.json().await?;
        let took = body.get("duration_ms").and_then(Value::as_f64).unwrap_or_default();
        let (outcome, reason, detail) =
            (text(&body, "outcome"), text(&body, "reason"), text(&body, "detail"));
        let status = body.get("status").map(|status| format!(" {status}")).unwrap_or_default();
        let why = if reason.is_empty() { String::new() } else { format!(": {reason}{status} {detail}") };
        print(format!("runner {id}: {outcome} in {took} ms{}\n", why.trim_end()).as_bytes())?;
        Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

fn text<'a>(body: &'a Value, field: &str) -> &'a str {
    body.get(field).and_then(Value::as_str).unwrap_or_default()
}
