//! The log of a host on standard error.

use std::fmt;
use std::io::{self, IsTerminal};

use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

use super::escape::escape_control_characters;
use super::json_format::{JsonFormat, RUNNER_OUTPUT};
use super::log_filter;
use super::log_options::LogOptions;
use super::log_origin;
use super::non_blocking_writer::NonBlockingWriter;
use super::standard_stream::StandardStream;
use super::terminal_format::{TerminalFormat, columns};
use super::values::LogFormatOption;
use crate::log_loss::LOG_LOSS;

/// The filter of a quiet host: warnings and errors of the host, and what runners print.
const QUIET_FILTER: &str = "warn,fal_host::output=info";

/// Sets up a `tracing` subscriber that writes to standard error, filtered by `FAL_LOG` (default `info`). If the program has
/// set one up already, that one stays. At a terminal lines are aligned and coloured; there are no colours if `NO_COLOR` is set.
///
/// Returns the writer, to be finished before the program ends.
pub(super) fn init(options: &LogOptions) -> io::Result<NonBlockingWriter> {
    let default_filter = if options.quiet { QUIET_FILTER } else { log_filter::DEFAULT_FILTER };
    let wants_colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let notice = match options.log_format {
        LogFormatOption::Text => text_notice,
        LogFormatOption::Json => json_notice,
    };
    let writer = NonBlockingWriter::new(io::stderr(), StandardStream::Error, notice, &LOG_LOSS)?;
    let has_terminal =
        io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    let lines = tracing_subscriber::fmt::layer()
        .with_writer({
            let writer = writer.clone();
            move || writer.clone()
        })
        .with_ansi(wants_colour && has_terminal)
        .log_internal_errors(false);
    let log = tracing_subscriber::registry().with(log_filter::from_env(default_filter));
    // An error means that the program has set up its own subscriber.
    let _ = match options.log_format {
        LogFormatOption::Text if has_terminal => {
            log.with(lines.event_format(TerminalFormat { columns })).try_init()
        }
        LogFormatOption::Text => {
            log.with(lines.event_format(LineFormat(Format::default().with_target(false)))).try_init()
        }
        LogFormatOption::Json => log.with(lines.event_format(JsonFormat)).try_init(),
    };
    Ok(writer)
}

/// A line of the log that says that others are missing.
fn text_notice(text: &str) -> String {
    format!("{}  WARN {text}\n", now())
}

fn json_notice(text: &str) -> String {
    let target = module_path!();
    format!("{}\n", json!({ "timestamp": now(), "level": "WARN", "target": target, "message": text }))
}

/// The time as the log has it.
fn now() -> String {
    let mut now = String::new();
    // Writing to a string does not fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut now));
    now
}

/// The format of a log line where standard error is no terminal. A line that a runner printed has no level, since its text may already have one.
struct LineFormat(Format);

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let host = log_origin::shown();
        if event.metadata().target() != RUNNER_OUTPUT {
            let Some(host) = host else { return self.0.format_event(context, writer, event) };
            let mut line = String::new();
            self.0.format_event(context, Writer::new(&mut line), event)?;
            return writeln!(writer, "{} host={host}", line.trim_end());
        }
        let mut output = RunnerOutput::default();
        event.record(&mut output);
        SystemTime.format_time(&mut writer)?;
        let host = host.map(|host| format!(" of host {host}")).unwrap_or_default();
        writeln!(writer, " runner {}{host} | {}", output.runner, output.text)
    }
}

/// A line that a runner has printed.
#[derive(Debug, Default)]
struct RunnerOutput {
    runner: String,
    text: String,
}

impl Visit for RunnerOutput {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "runner" => self.runner = format!("{value:?}"),
            "message" => self.text = escape_control_characters(&format!("{value:?}")),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::captured::Captured;

    fn logged(log: impl FnOnce()) -> String {
        let written = Captured::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .event_format(LineFormat(Format::default().with_target(false)))
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        written.text()
    }

    #[test]
    fn a_line_of_a_runner_has_no_level_and_no_control_characters() {
        let line = logged(|| {
            tracing::info!(target: "fal_host::output", runner = %7, stream = "stderr", "ERROR lost \x1b[1m it");
        });
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.ends_with('Z'), "{line}");
        assert_eq!(rest, "runner 7 | ERROR lost \\u{1b}[1m it\n");
    }

    #[test]
    fn an_event_of_the_host_has_its_level_and_fields() {
        let line = logged(|| tracing::warn!(runner = %7, "TERMINATING"));
        assert!(line.ends_with(" WARN TERMINATING runner=7\n"), "{line}");
    }
}
