//! The options of a command line, with their origin. The file of fal-runtime is a link to the one of fal-host.

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::log_filter::DEFAULT_FILTER;
use super::secrets::masked;

/// What `--give-up-after` is by default.
pub(super) const GIVE_UP_AFTER: &str = "5, then never";

/// A setting and its value.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Setting {
    #[serde(skip)]
    pub(super) name: String,
    pub(super) value: Value,
    /// Where the value comes from: `default`, `app`, `environment` or `flag`.
    pub(super) source: &'static str,
    /// The option and the variable that set it; `None` for settings of the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) set_by: Option<String>,
}

/// A group of settings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) settings: Vec<Setting>,
}

/// The options of `command`, from the command line, the environment or their default. `computed` has the values of
/// options whose default is computed.
pub(super) fn options(
    title: &'static str,
    command: &Command,
    given: &ArgMatches,
    computed: &[(&str, Value)],
) -> Section {
    let setting = |option: &clap::Arg| {
        let id = option.get_id().as_str();
        let flag = option.get_long()?;
        let value = match given.get_raw(id) {
            Some(_) if matches!(option.get_action(), ArgAction::SetTrue) => given.get_flag(id).into(),
            Some(values) => {
                let text = values.map(|value| value.to_string_lossy()).collect::<Vec<_>>().join(" ");
                to_json(&masked(id, &text))
            }
            None => computed.iter().find(|(name, _)| *name == flag).map(|(_, value)| value.clone()).into(),
        };
        let source = match given.value_source(id) {
            Some(ValueSource::CommandLine) => "flag",
            Some(ValueSource::EnvVariable) => "environment",
            _ => "default",
        };
        let variable = option.get_env().map(|name| format!(" or {}", name.to_string_lossy()));
        let set_by = Some(format!("--{flag}{}", variable.unwrap_or_default()));
        Some(Setting { name: flag.replace('-', "_"), value, source, set_by })
    };
    Section { title, settings: command.get_arguments().filter_map(setting).collect() }
}

/// The filter of the log, from the environment.
pub(super) fn log(filter: Option<String>) -> Section {
    let source = if filter.is_some() { "environment" } else { "default" };
    let filter = filter.unwrap_or_else(|| DEFAULT_FILTER.to_owned());
    let filter = Setting {
        name: "filter".to_owned(),
        value: Value::String(filter),
        source,
        set_by: Some("FAL_LOG".to_owned()),
    };
    Section { title: "log", settings: vec![filter] }
}

/// A number or a truth value if the text is one, otherwise the text.
fn to_json(text: &str) -> Value {
    let number = text.parse::<u64>().map(Value::from);
    number.or_else(|_| text.parse::<bool>().map(Value::from)).unwrap_or_else(|_| Value::from(text))
}

/// A setting as a line of a table.
pub(super) fn table_line(name: &str, value: &Value, source: &str, set_by: Option<&str>) -> String {
    let value = match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let source = match (source, set_by) {
        ("default", None) => "default".to_owned(),
        ("default", Some(set_by)) => format!("default; set with {set_by}"),
        ("app", _) => "the app".to_owned(),
        ("environment", _) => "the environment".to_owned(),
        _ => "the command line".to_owned(),
    };
    format!("  {name:<34}{value:<19} {source}\n")
}

/// The settings as JSON: an object for each section, with the value and source of each setting.
pub(super) fn json(sections: &[Section]) -> Value {
    let section = |section: &Section| {
        let settings: Map<_, _> =
            section.settings.iter().map(|setting| (setting.name.clone(), json!(setting))).collect();
        let settings = if settings.is_empty() { Value::Null } else { settings.into() };
        (section.title.to_owned(), settings)
    };
    Value::Object(sections.iter().map(section).collect())
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};
    use serde_json::json;

    use super::options;

    #[test]
    fn an_option_has_its_source_and_what_sets_it() {
        let command = Command::new("run")
            .arg(Arg::new("queue").long("queue").env("FAL_TEST_QUEUE_UNSET").default_value("1024"))
            .arg(Arg::new("bound").long("bound"))
            .arg(Arg::new("runners").long("runners").default_value("1"));
        let given = command.clone().get_matches_from(["run", "--runners", "2"]);
        let json = super::json(&[options("host", &command, &given, &[("bound", 3.into())])]);
        let queue =
            json!({ "value": 1024, "source": "default", "set_by": "--queue or FAL_TEST_QUEUE_UNSET" });
        assert_eq!(json["host"]["queue"], queue);
        assert_eq!(json["host"]["bound"], json!({ "value": 3, "source": "default", "set_by": "--bound" }));
        assert_eq!(json["host"]["runners"], json!({ "value": 2, "source": "flag", "set_by": "--runners" }));
    }
}
