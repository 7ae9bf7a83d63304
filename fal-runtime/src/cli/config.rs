//! The settings of an app and its host, with their origin.

use std::fmt::Write;
use std::num::NonZeroUsize;
use std::time::Duration;

use clap::ArgMatches;
use fal_health::{HealthCheckSpec, effective_start_period};
use serde_json::Value;

use super::settings::{self, Section, Setting};
use crate::app::{Declaration, Settings};

/// The settings of an app, and those of its host with the computed default of `--max-replacing`.
pub(super) fn sections(
    app: &Declaration,
    host: Option<(clap::Command, Option<NonZeroUsize>)>,
    given: &ArgMatches,
) -> Vec<Section> {
    let check = app.health_check();
    let mut sections =
        vec![app_section(&app.settings), health_section(check.as_ref(), app.settings.startup_timeout())];
    if let Some((host, max_replacing)) = host {
        let computed = [
            ("max-replacing", max_replacing.map(NonZeroUsize::get).into()),
            ("give-up-after", settings::GIVE_UP_AFTER.into()),
        ];
        sections.push(settings::options("host", &host, given, &computed));
    }
    sections.push(settings::log(std::env::var("FAL_LOG").ok()));
    sections
}

/// A setting that an app may declare.
fn declared_setting(name: &str, value: impl Into<Value>, is_declared: bool) -> Setting {
    let source = if is_declared { "app" } else { "default" };
    Setting { name: name.to_owned(), value: value.into(), source, set_by: None }
}

/// The settings that the app declares.
fn app_section(settings: &Settings) -> Section {
    let seconds = |time: Option<Duration>| Value::from(time.map(|time| time.as_secs()));
    let origins = settings.cors().map(|cors| cors.origins().join(", "));
    // By the option of `#[app]`, with the unit of the value.
    let values = [
        ("name", "", settings.name().into()),
        ("version", "", settings.version().into()),
        ("startup_timeout", "_seconds", seconds(Some(settings.startup_limit()))),
        ("termination_grace_period", "_seconds", seconds(Some(settings.termination_grace_period()))),
        ("max_multiplexing", "", settings.max_multiplexing().get().into()),
        ("request_timeout", "_seconds", seconds(settings.request_timeout())),
        ("body_limit", "_bytes", settings.body_limit().into()),
        ("cors", "", origins.into()),
    ];
    let declared = |(option, unit, value): (&str, &str, Value)| {
        declared_setting(&format!("{option}{unit}"), value, settings.declares(option))
    };
    Section { title: "app", settings: values.into_iter().map(declared).collect() }
}

/// The settings of the health check; empty if the app has none.
fn health_section(spec: Option<&HealthCheckSpec>, startup_timeout: Option<Duration>) -> Section {
    let settings = spec.map(|spec| {
        let config = &spec.config;
        let effective = effective_start_period(config, startup_timeout);
        let own = |name: &str, value: Value| declared_setting(name, value, config.is_set(name));
        // The longer of the two.
        let decides = if effective == config.start_period() {
            config.is_set("start_period_seconds")
        } else {
            startup_timeout.is_some()
        };
        vec![
            declared_setting("method", &*spec.method, true),
            declared_setting("path", &*spec.path, true),
            own("start_period_seconds", config.start_period().as_secs().into()),
            declared_setting("effective_start_period_seconds", effective.as_secs(), decides),
            own("timeout_seconds", config.timeout().as_secs().into()),
            own("failure_threshold", config.threshold().into()),
            own("call_regularly", config.is_periodic().into()),
        ]
    });
    Section { title: "health_check", settings: settings.unwrap_or_default() }
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
            text.push_str(&settings::table_line(name, value, source, set_by.as_deref()));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use fal_health::HealthCheck;
    use serde_json::{Map, json};

    use super::*;
    use crate::app::AppOptions;
    use crate::cors::Cors;

    #[test]
    fn a_declared_setting_has_the_source_app_even_if_it_is_the_default() {
        let cors = Cors::only(&["https://a.example", "https://b.example"]);
        let options = AppOptions::new("my-app", "1.2.3").max_multiplexing(1).cors(cors);
        let settings = options.settings();
        let json = settings::json(&[app_section(&settings)]);
        assert_eq!(json["app"]["max_multiplexing"], json!({ "value": 1, "source": "app" }));
        assert_eq!(json["app"]["startup_timeout_seconds"], json!({ "value": 600, "source": "default" }));
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
        let json = settings::json(&[health_section(Some(&spec), Some(Duration::from_secs(60)))]);
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
        assert_eq!(settings::json(&[health_section(None, None)])["health_check"], Value::Null);
        let sources =
            ["start_period_seconds", "timeout_seconds"].map(|name| &json["health_check"][name]["source"]);
        assert_eq!(sources, ["app", "default"]);
    }

    #[test]
    fn the_table_has_a_line_for_each_setting() {
        let table =
            table(&[app_section(&AppOptions::new("my-app", "1.2.3").settings()), health_section(None, None)]);
        assert!(
            table.contains("  startup_timeout_seconds           600                 default\n"),
            "{table}"
        );
        assert!(table.ends_with("health_check\n  none\n"), "{table}");
    }
}
