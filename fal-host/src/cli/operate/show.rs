//! Prints a page of the host as it is.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::Value;

use super::super::settings::table_line;
use super::client::{block_on, get};
use super::error::OperateError;
use super::target::Target;

/// Prints a page, piece by piece as it arrives.
pub(super) fn page(target: &Target, page: &str) -> Result<ExitCode, OperateError> {
    block_on(async {
        let mut response = get(target, page).await?.or_refused(&[]).await?;
        while let Some(piece) = response.piece().await? {
            if !print(&piece)? {
                return Ok(ExitCode::SUCCESS);
            }
        }
        if ["/runners", "/config"].contains(&page) {
            print(b"\n")?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Prints the settings as a table, as `config` does.
pub(super) fn settings(target: &Target) -> Result<ExitCode, OperateError> {
    block_on(async {
        let shown = get(target, "/config").await?.or_refused(&[]).await?.json().await?;
        print(settings_table(&shown).as_bytes())?;
        Ok(ExitCode::SUCCESS)
    })
}

fn settings_table(shown: &Value) -> String {
    let mut text = String::new();
    for (title, settings) in shown.as_object().into_iter().flatten() {
        text.extend([title, "\n"]);
        let Value::Object(settings) = settings else {
            text.push_str("  none\n");
            continue;
        };
        for (name, setting) in settings {
            let field = |field: &str| setting.get(field).and_then(Value::as_str);
            let value = setting.get("value").unwrap_or(&Value::Null);
            let bound = field("bound").map(|bound| Value::from(with_bound(value, bound)));
            let value = bound.as_ref().unwrap_or(value);
            text.push_str(&table_line(name, value, field("source").unwrap_or_default(), field("set_by")));
        }
    }
    text
}

/// An address as an option has it, and the one that the host is bound to.
fn with_bound(value: &Value, bound: &str) -> String {
    match value.as_str() {
        Some(asked) => format!("{bound} ({asked})"),
        None => bound.to_owned(),
    }
}

/// Prints to standard output. Returns false when it is closed (`| head`), which counts as a success.
pub(super) fn print(text: &[u8]) -> Result<bool, OperateError> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_a_table_with_their_sources_s86c() {
        let shown = json!({
            "health_check": null,
            "host": {
                "listen": { "value": "127.0.0.1:0", "bound": "127.0.0.1:43127", "source": "flag", "set_by": "--listen" },
                "queue": { "value": 64, "source": "flag", "set_by": "--queue or FAL_QUEUE" },
                "spares": { "value": 0, "source": "default", "set_by": "--spares or FAL_SPARES" },
            },
        });
        assert_eq!(
            settings_table(&shown),
            "\
health_check
  none
host
  listen                            127.0.0.1:43127 (127.0.0.1:0) the command line
  queue                             64                  the command line
  spares                            0                   default; set with --spares or FAL_SPARES
"
        );
    }
}
