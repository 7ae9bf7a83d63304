//! The log as JSON: one object a line (S83a).

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::log_origin;

/// The target of the log events that carry the output of runners.
pub(super) const RUNNER_OUTPUT: &str = "fal_host::output";

/// The fields that the host sets for every line of a runner.
const RESERVED: [&str; 4] = ["timestamp", "target", "runner", "stream"];

/// Writes each event as one JSON object: `timestamp`, `level`, `target`, `message`, and the fields of the event.
///
/// A line that a runner printed has no level, since its text may have one. A line that is a JSON object itself keeps its
/// fields, except those that the host sets.
pub(super) struct JsonFormat;

impl<S, N> FormatEvent<S, N> for JsonFormat
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
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let metadata = event.metadata();
        let mut line = Map::from_iter([("timestamp".to_owned(), timestamp.into())]);
        if metadata.target() != RUNNER_OUTPUT {
            line.insert("level".to_owned(), metadata.level().as_str().into());
        }
        line.insert("target".to_owned(), metadata.target().into());
        if let Some(host) = log_origin::shown() {
            line.insert("host".to_owned(), host.into());
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        if metadata.target() == RUNNER_OUTPUT
            && let Some(Value::String(message)) = fields.0.get("message")
            && let Ok(printed) = serde_json::from_str::<Map<String, Value>>(message)
        {
            fields.0.remove("message");
            fields.0.extend(printed.into_iter().filter(|(name, _)| !RESERVED.contains(&name.as_str())));
        }
        line.extend(fields.0);
        // Maps with strings as keys can always be written.
        writer.write_str(&serde_json::to_string(&line).unwrap_or_default())?;
        writer.write_char('\n')
    }
}

/// The fields of an event.
#[derive(Debug, Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match text.parse::<u64>() {
            // The id of a runner is a number, although its field shows it as text.
            Ok(id) if field.name() == "runner" => self.insert(field, id),
            _ => self.insert(field, text),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cli::captured::Captured;

    /// The object that is logged, without its time.
    fn logged(log: impl FnOnce()) -> Value {
        let written = Captured::default();
        let writer = written.clone();
        let format = tracing_subscriber::fmt().with_writer(move || writer.clone()).event_format(JsonFormat);
        tracing::subscriber::with_default(format.finish(), log);
        let line = written.text();
        let [line] = line.lines().collect::<Vec<_>>()[..] else { panic!("{line}") };
        let mut line: Map<_, _> = serde_json::from_str(line).unwrap();
        assert!(line.remove("timestamp").unwrap().as_str().unwrap().contains('T'));
        line.into()
    }

    #[test]
    fn an_event_of_the_host_has_its_level_target_message_and_fields_s83a() {
        let line = logged(|| {
            let nothing: Option<&str> = None;
            tracing::warn!(target: "a::b", runner = %7, streak = 2, nothing, took = ?"x\n", "one\n{}", 2);
        });
        let expected = json!({
            "level": "WARN", "target": "a::b", "message": "one\n2", "runner": 7, "streak": 2, "took": "\"x\\n\"",
        });
        assert_eq!(line, expected);
    }

    #[test]
    fn a_line_of_a_runner_is_the_message_s83a() {
        for text in ["ERROR lost \x1b[1m it", "17", "[1]", "{\"a\":"] {
            let line = logged(|| {
                tracing::info!(target: RUNNER_OUTPUT, runner = %7, stream = "stderr", "{text}");
            });
            let expected =
                json!({ "target": RUNNER_OUTPUT, "message": text, "runner": 7, "stream": "stderr" });
            assert_eq!(line, expected);
        }
    }

    #[test]
    fn a_line_that_is_json_is_merged_and_cannot_say_that_another_runner_printed_it_s83a() {
        let line = logged(|| {
            let text = r#"{"level":"error","message":"lost","runner":1,"target":"a","timestamp":0,"nested":{"a":[1]}}"#;
            tracing::info!(target: RUNNER_OUTPUT, runner = %7, stream = "stdout", "{text}");
        });
        let expected = json!({
            "target": RUNNER_OUTPUT, "level": "error", "message": "lost", "nested": {"a": [1]}, "runner": 7, "stream": "stdout",
        });
        assert_eq!(line, expected);
    }
}
