//! OpenTelemetry's environment variables, checked before the SDK reads them: it ignores what it does not know.

use std::str::FromStr;
use std::time::Duration;

use http::Uri;

use super::error::TracesError;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

/// The defaults of OpenTelemetry's specification.
const DEFAULT_ENDPOINT: &str = "http://localhost:4318";
const DEFAULT_TIMEOUT: u64 = 10_000;
const DEFAULT_QUEUE_SIZE: usize = 2_048;

/// What this crate needs to know of the variables. The SDK reads the others itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variables {
    /// Where spans are sent, for messages.
    pub(super) endpoint: String,
    /// How long one export may take, with its retries.
    pub(super) timeout: Duration,
    /// How many spans may wait.
    pub(super) max_queue_size: usize,
    pub(super) propagates: Propagates,
}

/// Which context of requests is read and written (`OTEL_PROPAGATORS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Propagates {
    pub(super) trace_context: bool,
    pub(super) baggage: bool,
}

impl Variables {
    /// Reads and checks the variables. `None` if spans are not wanted.
    pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, TracesError> {
        // An empty variable is the same as none.
        let given = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let first = |names: [&'static str; 2]| {
            names.into_iter().find_map(|name| given(name).map(|value| (name, value)))
        };
        if given("OTEL_SDK_DISABLED").is_some_and(|value| value.trim().eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let endpoint = first([TRACES_ENDPOINT, ENDPOINT]);
        match given("OTEL_TRACES_EXPORTER").as_deref().map(str::trim) {
            None if endpoint.is_none() => return Ok(None),
            Some("none") => return Ok(None),
            None | Some("otlp") => {}
            Some(other) => {
                return Err(invalid("OTEL_TRACES_EXPORTER", other, "expected `otlp` or `none`"));
            }
        }
        let endpoint = match endpoint {
            None => format!("{DEFAULT_ENDPOINT}/v1/traces"),
            Some((name, url)) => {
                check_url(name, url.trim())?;
                let path = if name == ENDPOINT { "/v1/traces" } else { "" };
                let base = if name == ENDPOINT { url.trim().trim_end_matches('/') } else { url.trim() };
                format!("{base}{path}")
            }
        };
        if let Some((name, protocol)) =
            first(["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"])
            && protocol.trim() != "http/protobuf"
        {
            let expected = "expected `http/protobuf`, which collectors take on port 4318";
            return Err(invalid(name, &protocol, expected));
        }
        check_sampler(&given)?;
        let milliseconds = first(["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"]);
        let timeout = match milliseconds {
            None => DEFAULT_TIMEOUT,
            Some((name, value)) => number(name, &value, 1)?,
        };
        let max_queue_size = limit(&given, "OTEL_BSP_MAX_QUEUE_SIZE")?.unwrap_or(DEFAULT_QUEUE_SIZE);
        for name in ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"] {
            limit(&given, name)?;
        }
        let timeout = Duration::from_millis(timeout);
        Ok(Some(Self { endpoint, timeout, max_queue_size, propagates: propagators(&given)? }))
    }
}

fn invalid(name: &'static str, value: &str, expected: impl Into<String>) -> TracesError {
    TracesError::Variable { name, value: value.to_owned(), expected: expected.into() }
}

fn number<N: FromStr + PartialOrd + ToString>(
    name: &'static str,
    value: &str,
    min: N,
) -> Result<N, TracesError> {
    let parsed = value.trim().parse().ok().filter(|parsed| *parsed >= min);
    parsed.ok_or_else(|| invalid(name, value, format!("expected a number of at least {}", min.to_string())))
}

fn limit(given: &impl Fn(&str) -> Option<String>, name: &'static str) -> Result<Option<usize>, TracesError> {
    given(name).map(|value| number(name, &value, 1)).transpose()
}

fn check_url(name: &'static str, url: &str) -> Result<(), TracesError> {
    let expected = "expected the URL of a collector, such as `http://127.0.0.1:4318`";
    let uri: Uri = url.parse().map_err(|error| invalid(name, url, format!("{error}; {expected}")))?;
    match uri.scheme_str() {
        Some("http") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(()),
        Some("https") => Err(invalid(
            name,
            url,
            "spans are sent without TLS: send them to a collector on this machine or network with `http://`, and let \
             that one send them on",
        )),
        _ => Err(invalid(name, url, expected)),
    }
}

fn check_sampler(given: &impl Fn(&str) -> Option<String>) -> Result<(), TracesError> {
    const NAME: &str = "OTEL_TRACES_SAMPLER";
    const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
    let Some(sampler) = given(NAME) else { return Ok(()) };
    match sampler.as_str() {
        "always_on" | "always_off" | "parentbased_always_on" | "parentbased_always_off" => Ok(()),
        "traceidratio" | "parentbased_traceidratio" => {
            let ratio = given(ARGUMENT).unwrap_or_else(|| "1".to_owned());
            let is_ratio = ratio.parse::<f64>().is_ok_and(|ratio| (0.0..=1.0).contains(&ratio));
            if is_ratio { Ok(()) } else { Err(invalid(ARGUMENT, &ratio, "expected a number from 0 to 1")) }
        }
        other => Err(invalid(
            NAME,
            other,
            "expected `always_on`, `always_off`, `traceidratio`, or one of these after `parentbased_`",
        )),
    }
}

fn propagators(given: &impl Fn(&str) -> Option<String>) -> Result<Propagates, TracesError> {
    const NAME: &str = "OTEL_PROPAGATORS";
    let Some(value) = given(NAME) else { return Ok(Propagates { trace_context: true, baggage: true }) };
    let mut propagates = Propagates { trace_context: false, baggage: false };
    for name in value.split(',').map(str::trim) {
        match name {
            "tracecontext" => propagates.trace_context = true,
            "baggage" => propagates.baggage = true,
            "none" => {}
            _ => return Err(invalid(NAME, &value, "expected `tracecontext`, `baggage` or `none`")),
        }
    }
    Ok(propagates)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Variables>, String> {
        let value =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Variables::read(value).map_err(|error| error.to_string())
    }

    fn endpoint(variables: &[(&str, &str)]) -> Option<String> {
        read(variables).unwrap().map(|variables| variables.endpoint)
    }

    #[test]
    fn without_a_collector_in_the_environment_there_are_no_spans_s111a() {
        let collector = (ENDPOINT, "http://collector:4318");
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[(ENDPOINT, ""), ("OTEL_SERVICE_NAME", "a")]), Ok(None));
        assert_eq!(read(&[collector, ("OTEL_SDK_DISABLED", "TRUE")]), Ok(None));
        assert_eq!(read(&[collector, ("OTEL_TRACES_EXPORTER", "none")]), Ok(None));
        assert!(read(&[collector, ("OTEL_SDK_DISABLED", "false")]).unwrap().is_some());
    }

    #[test]
    fn the_collector_is_named_as_opentelemetry_says_s111a() {
        let traces = (TRACES_ENDPOINT, "http://traces:1/custom");
        assert_eq!(endpoint(&[(ENDPOINT, "http://a:4318/")]).unwrap(), "http://a:4318/v1/traces");
        assert_eq!(endpoint(&[(ENDPOINT, "http://a:4318/x")]).unwrap(), "http://a:4318/x/v1/traces");
        assert_eq!(endpoint(&[(ENDPOINT, "http://a:4318"), traces]).unwrap(), "http://traces:1/custom");
        let default = endpoint(&[("OTEL_TRACES_EXPORTER", "otlp")]).unwrap();
        assert_eq!(default, "http://localhost:4318/v1/traces");
    }

    #[test]
    fn a_variable_that_cannot_be_used_is_an_error_that_says_what_to_write_s111b() {
        for (name, value, words) in [
            (ENDPOINT, "https://api.example.com", "without TLS"),
            (ENDPOINT, "collector:4318", "http://127.0.0.1:4318"),
            ("OTEL_TRACES_EXPORTER", "zipkin", "`otlp` or `none`"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "a number"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "at least 1"),
            ("OTEL_TRACES_SAMPLER", "sometimes", "parentbased_"),
            ("OTEL_PROPAGATORS", "b3", "tracecontext"),
        ] {
            let error = read(&[(TRACES_ENDPOINT, "http://a:1"), (name, value)]);
            let error = if name == ENDPOINT { read(&[(name, value)]) } else { error }.unwrap_err();
            assert!(error.contains(name) && error.contains(value) && error.contains(words), "{error}");
        }
        let ratio = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")];
        let error = read(&[&ratio[..], &[(ENDPOINT, "http://a:1")]].concat()).unwrap_err();
        assert!(error.contains("OTEL_TRACES_SAMPLER_ARG"), "{error}");
    }
}
