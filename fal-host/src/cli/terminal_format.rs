//! The log at a terminal: aligned lines, with the progress of a start in place (S83f).

use std::fmt;
use std::io;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::escape::escape_control_characters;
use super::json_format::RUNNER_OUTPUT;
use super::log_origin;

/// Erases the line of the cursor: an earlier progress, which has no line feed.
const ERASE: &str = "\r\x1b[K";

/// How wide the column of runners is.
const RUNNER_WIDTH: usize = 10;

/// How many characters the bar of a progress has.
const BAR_WIDTH: usize = 20;

/// Writes each event as a line: time of day in UTC, level, runner, message, and the other fields. The progress of a start is a
/// line that the next one replaces.
pub(super) struct TerminalFormat {
    /// How many columns the terminal has now.
    pub(super) columns: fn() -> usize,
}

/// How many columns the terminal on standard error has.
pub(super) fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stderr());
    size.ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(80)
}

impl<S, N> FormatEvent<S, N> for TerminalFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = LineFields::default();
        event.record(&mut fields);
        let style = Style { is_coloured: writer.has_ansi_escapes() };
        let (dim, plain) = (style.code("2"), style.code("0"));
        let time = time_of_day();
        let runner =
            fields.runner.as_ref().map_or_else(|| "host".to_owned(), |runner| format!("runner {runner}"));
        let host = log_origin::shown();
        writer.write_str(ERASE)?;
        if let Some(fraction) = fields.fraction {
            let text = format!("{time}       {runner:<RUNNER_WIDTH$}{} {}", bar(fraction), fields.message);
            let fitting: String = text.chars().take((self.columns)().saturating_sub(1)).collect();
            return write!(writer, "{dim}{fitting}{plain}");
        }
        write!(writer, "{dim}{time}{plain} ")?;
        if event.metadata().target() == RUNNER_OUTPUT {
            let host = host.map(|host| format!("of host {host} ")).unwrap_or_default();
            return writeln!(writer, "      {runner:<RUNNER_WIDTH$}{dim}{host}|{plain} {}", fields.message);
        }
        let level = *event.metadata().level();
        let colour = style.code(colour(level));
        write!(writer, "{colour}{level:>5}{plain} {runner:<RUNNER_WIDTH$}{}", fields.message)?;
        for (name, value) in fields.others {
            write!(writer, "  {dim}{name}={plain}{value}")?;
        }
        if let Some(host) = host {
            write!(writer, "  {dim}host={plain}{host}")?;
        }
        writeln!(writer)
    }
}

/// The time of day in UTC, to the millisecond.
fn time_of_day() -> String {
    let mut time = String::new();
    // Writing to a string cannot fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut time));
    time.get(11..23).map_or(time.clone(), |of_day| format!("{of_day}Z"))
}

/// A bar that is filled up to this fraction.
fn bar(fraction: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number between 0 and 100")]
    let percent = (fraction.clamp(0.0, 1.0) * 100.0) as usize;
    let filled = percent * BAR_WIDTH / 100;
    format!("[{}{}] {percent:>3} %", "#".repeat(filled), ".".repeat(BAR_WIDTH - filled))
}

const fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "1;31",
        Level::WARN => "33",
        Level::INFO => "32",
        _ => "2",
    }
}

#[derive(Clone, Copy, Debug)]
struct Style {
    is_coloured: bool,
}

impl Style {
    fn code(self, code: &str) -> String {
        if self.is_coloured { format!("\x1b[{code}m") } else { String::new() }
    }
}

/// The fields of an event.
#[derive(Debug, Default)]
struct LineFields {
    runner: Option<String>,
    fraction: Option<f64>,
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Visit for LineFields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        match field.name() {
            "fraction" => self.fraction = Some(value),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = escape_control_characters(&format!("{value:?}"));
        match field.name() {
            "runner" => self.runner = Some(text),
            "message" => self.message = text,
            // A detail of the stream, not of the line.
            "stream" => {}
            name => self.others.push((name, text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::captured::Captured;

    /// What is logged, without the time.
    fn logged(is_coloured: bool, log: impl FnOnce()) -> String {
        let written = Captured::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(is_coloured)
            .event_format(TerminalFormat { columns: || 60 })
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let text = written.text();
        let (start, rest) = text.split_once('Z').unwrap();
        assert!(start.starts_with(ERASE) && start.ends_with(|last: char| last.is_ascii_digit()), "{text}");
        rest.to_owned()
    }

    #[test]
    fn lines_are_aligned_with_the_runner_in_a_column_s83f() {
        let line = logged(false, || tracing::warn!(runner = %7, after = ?2, "TERMINATING: told to stop"));
        assert_eq!(line, "  WARN runner 7  TERMINATING: told to stop  after=2\n");
        let line = logged(false, || tracing::info!("stops"));
        assert_eq!(line, "  INFO host      stops\n");
        let line = logged(false, || {
            tracing::info!(target: "fal_host::output", runner = %123, stream = "stderr", "lost \x1b[1m it");
        });
        assert_eq!(line, "       runner 123| lost \\u{1b}[1m it\n");
    }

    #[test]
    fn progress_is_a_line_that_the_next_one_replaces_s83f() {
        let line = logged(false, || {
            tracing::info!(runner = %1, fraction = 0.5, "SETUP: loads the weights of a large model");
        });
        assert_eq!(line, "       runner 1  [##########..........]  50 % ");
        assert!(!line.contains('\n'));
    }

    #[test]
    fn colours_can_be_left_out_s83f() {
        let log = || tracing::error!(runner = %1, exit = "x", "text");
        assert!(logged(true, log).contains("\x1b[1;31mERROR\x1b[0m runner 1"));
        assert!(!logged(false, log).contains('\x1b'));
    }
}
