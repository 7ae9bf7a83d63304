//! The settings of an app and its host, with their origin.

use std::fmt::Write;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command};
use fal_health::{HealthCheckSpec, effective_start_period};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::log_filter::DEFAULT_FILTER;
use super::secrets::masked;
use crate::app::Settings;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Origin {
    Default,
    App,
    Environment,
    Flag,
}

/// A setting and its value.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Setting {
    #[serde(skip)]
    name: String,
    value: Value,
    source: Origin,
    /// The option and the variable that set it; `None` for settings of the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    set_by: Option<String>,
}

/// A group of settings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    title: &'static str,
    settings: Vec<Setting>,
}

impl Setting {
    fn declared(name: &str, value: impl Into<Value>, is_declared: bool) -> Self {
        let source = if is_declared { Origin::App } else { Origin::Default };
        Self { name: name.to_owned(), value: value.into(), source, set_by: None }
    }
}

/// The settings that the app declares.
pub(super) fn app(settings: &Settings) -> Section {
    let seconds = |time: Option<Duration>| Value::from(time.map(|time| time.as_secs()));
    let origins = settings.cors().map(|cors| cors.origins().join(", "));
    // By the option of `#[app]`, with the unit of the value.
    let values = [
        ("name", "", settings.name().into()),
        ("version", "", settings.version().into()),
        ("startup_timeout", "_seconds", seconds(settings.startup_timeout())),
        ("termination_grace_period", "_seconds", seconds(Some(settings.termination_grace_period()))),
        ("max_multiplexing", "", settings.max_multiplexing().get().into()),
        ("request_timeout", "_seconds", seconds(settings.request_timeout())),
        ("body_limit", "_bytes", settings.body_limit().into()),
        ("cors", "", origins.into()),
    ];
    let declared = |(option, unit, value): (&str, &str, Value)| {
        Setting::declared(&format!("{option}{unit}"), value, settings.declares(option))
    };
    Section { title: "app", settings: values.into_iter().map(declared).collect() }
}

/// The settings of the health check; empty if the app has none.
pub(super) fn health_check(spec: Option<&HealthCheckSpec>, startup_timeout: Option<Duration>) -> Section {
    let settings = spec.map(|spec| {
        let config = &spec.config;
        let effective = effective_start_period(config, startup_timeout);
        let own = |name: &str, value: Value| Setting::declared(name, value, config.is_set(name));
        // The longer of the two.
        let decides = if effective == config.start_period() {
            config.is_set("start_period_seconds")
        } else {
            startup_timeout.is_some()
        };
        vec![
            Setting::declared("method", &*spec.method, true),
            Setting::declared("path", &*spec.path, true),
            own("start_period_seconds", config.start_period().as_secs().into()),
            Setting::declared("effective_start_period_seconds", effective.as_secs(), decides),
            own("timeout_seconds", config.timeout().as_secs().into()),
            own("failure_threshold", config.threshold().into()),
            own("call_regularly", config.is_periodic().into()),
        ]
    });
    Section { title: "health_check", settings: settings.unwrap_or_default() }
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
            Some(ValueSource::CommandLine) => Origin::Flag,
            Some(ValueSource::EnvVariable) => Origin::Environment,
            _ => Origin::Default,
        };
        let variable = option.get_env().map(|name| format!(" or {}", name.to_string_lossy()));
        let set_by = Some(format!("--{flag}{}", variable.unwrap_or_default()));
        Some(Setting { name: flag.replace('-', "_"), value, source, set_by })
    };
    Section { title, settings: command.get_arguments().filter_map(setting).collect() }
}

/// The filter of the log, from the environment.
pub(super) fn log(filter: Option<String>) -> Section {
    let source = if filter.is_some() { Origin::Environment } else { Origin::Default };
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

/// The settings as a table.
pub(super) fn table(sections: &[Section]) -> String {
    let mut text = String::new();
    for Section { title, settings } in sections {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{title}");
        if settings.is_empty() {
            text.push_str("  none\n");
        }
        for Setting { name, value, source, set_by } in settings {
            let value = match value {
                Value::Null => "none".to_owned(),
                Value::String(text) => text.clone(),
                value => value.to_string(),
            };
            let source = match (source, set_by) {
                (Origin::Default, None) => "default".to_owned(),
                (Origin::Default, Some(set_by)) => format!("default; set with {set_by}"),
                (Origin::App, _) => "the app".to_owned(),
                (Origin::Environment, _) => "the environment".to_owned(),
                (Origin::Flag, _) => "the command line".to_owned(),
            };
            let _ = writeln!(text, "  {name:<34}{value:<20}{source}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};
    use fal_health::HealthCheck;

    use super::*;
    use crate::app::AppOptions;
    use crate::cors::Cors;

    #[test]
    fn a_declared_setting_has_the_source_app_even_if_it_is_the_default() {
        let cors = Cors::only(&["https://a.example", "https://b.example"]);
        let options = AppOptions::new("my-app", "1.2.3").max_multiplexing(1).cors(cors);
        let settings = options.settings();
        let json = json(&[app(&settings)]);
        assert_eq!(json["app"]["max_multiplexing"], json!({ "value": 1, "source": "app" }));
        assert_eq!(json["app"]["startup_timeout_seconds"], json!({ "value": null, "source": "default" }));
        assert_eq!(json["app"]["name"]["value"], "my-app");
        assert_eq!(json["app"]["body_limit_bytes"], json!({ "value": 2_097_152, "source": "default" }));
        assert_eq!(
            json["app"]["cors"],
            json!({ "value": "https://a.example, https://b.example", "source": "app" })
        );
    }

    #[test]
    fn the_json_has_every_setting_of_the_health_check_s8() {
        let spec = HealthCheckSpec::post("/health", HealthCheck::new().start_period_seconds(10));
        let json = json(&[health_check(Some(&spec), Some(Duration::from_secs(60)))]);
        let values: Map<_, _> = json["health_check"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, setting)| (name.clone(), setting["value"].clone()))
            .collect();
        let expected = json!({
            "method": "POST", "path": "/health", "start_period_seconds": 10, "effective_start_period_seconds": 60,
            "timeout_seconds": 5, "failure_threshold": 3, "call_regularly": true,
        });
        assert_eq!(Value::Object(values), expected);
        assert_eq!(super::json(&[health_check(None, None)])["health_check"], Value::Null);
        let sources =
            ["start_period_seconds", "timeout_seconds"].map(|name| &json["health_check"][name]["source"]);
        assert_eq!(sources, ["app", "default"]);
    }

    #[test]
    fn an_option_has_its_source_and_what_sets_it() {
        let command = Command::new("run")
            .arg(Arg::new("queue").long("queue").env("FAL_TEST_QUEUE_UNSET").default_value("1024"))
            .arg(Arg::new("bound").long("bound"))
            .arg(Arg::new("runners").long("runners").default_value("1"));
        let given = command.clone().get_matches_from(["run", "--runners", "2"]);
        let json = json(&[options("host", &command, &given, &[("bound", 3.into())])]);
        let queue =
            json!({ "value": 1024, "source": "default", "set_by": "--queue or FAL_TEST_QUEUE_UNSET" });
        assert_eq!(json["host"]["queue"], queue);
        assert_eq!(json["host"]["bound"], json!({ "value": 3, "source": "default", "set_by": "--bound" }));
        assert_eq!(json["host"]["runners"], json!({ "value": 2, "source": "flag", "set_by": "--runners" }));
    }

    #[test]
    fn the_table_has_a_line_for_each_setting() {
        let table = table(&[app(&AppOptions::new("my-app", "1.2.3").settings()), health_check(None, None)]);
        assert!(
            table.contains("  startup_timeout_seconds           none                default\n"),
            "{table}"
        );
        assert!(table.ends_with("health_check\n  none\n"), "{table}");
    }
}
