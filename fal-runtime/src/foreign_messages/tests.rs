//! Each message, as the crate writes it that it is from.

use std::collections::BTreeMap;
use std::num::NonZeroU8;
use std::str::FromStr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Path;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::routing::get;
use http::Request;
use serde::de::value::{Error, MapDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Deserializer};
use tower::ServiceExt;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "never read")]
struct Point {
    x: u8,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "never read")]
struct Pair(u8, u8);

#[derive(Debug, Deserialize)]
struct Nothing;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Fast,
    Exact,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind")]
#[expect(dead_code, reason = "never read")]
enum Inner {
    A { x: u8 },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", content = "content")]
#[expect(dead_code, reason = "never read")]
enum Adjacent {
    A(u8),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "never read")]
struct Outer {
    #[serde(flatten)]
    point: OpenPoint,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "never read")]
struct OpenPoint {
    x: u8,
}

/// A struct whose one field is read from a text that serde has kept.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "never read")]
struct Flattened<T> {
    #[serde(flatten)]
    field: Field<T>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "never read")]
struct Field<T> {
    value: T,
}

/// What serde says when it reads a `T` out of this.
fn message<'de, T: Deserialize<'de> + std::fmt::Debug>(of: impl Deserializer<'de, Error = Error>) -> String {
    T::deserialize(of).unwrap_err().to_string()
}

/// What serde expects of a `T`, told when it finds a number.
fn expected<'de, T: Deserialize<'de> + std::fmt::Debug>(number: u64) -> Expected {
    let message = message::<T>(number.into_deserializer());
    Expected::of(expectation(&message).unwrap())
}

fn fields<const N: usize>(
    fields: [(&'static str, u8); N],
) -> MapDeserializer<'static, std::array::IntoIter<(&'static str, u8), N>, Error> {
    MapDeserializer::new(fields.into_iter())
}

#[test]
fn serde_names_the_type_that_it_expects() {
    assert_eq!(expected::<bool>(7), Expected::Boolean);
    assert_eq!(expected::<u8>(300), Expected::Integer);
    assert_eq!(expected::<NonZeroU8>(0), Expected::Integer);
    assert_eq!(
        Expected::of(expectation(&message::<i128>("x".into_deserializer())).unwrap()),
        Expected::Integer
    );
    assert_eq!(Expected::of(expectation(&message::<f32>("x".into_deserializer())).unwrap()), Expected::Float);
    assert_eq!(Expected::of(expectation(&message::<f64>("x".into_deserializer())).unwrap()), Expected::Float);
    assert_eq!(expected::<String>(7), Expected::String);
    assert_eq!(expected::<&str>(7), Expected::String);
    assert_eq!(expected::<Vec<u8>>(7), Expected::List);
    assert_eq!(expected::<BTreeMap<u8, u8>>(7), Expected::Map);
    assert_eq!(expected::<(u8, u8)>(7), Expected::Tuple);
    assert_eq!(expected::<Pair>(7), Expected::Tuple);
    assert_eq!(expected::<Point>(7), Expected::Struct);
    assert_eq!(expected::<Mode>(7), Expected::Enum);
    assert_eq!(expected::<Inner>(7), Expected::TaggedEnum);
    assert_eq!(expected::<Adjacent>(7), Expected::TaggedEnum);
    assert_eq!(expected::<()>(7), Expected::Unit);
    assert_eq!(expected::<Nothing>(7), Expected::Unit);
    assert_eq!(Expected::of("a colour"), Expected::Other);
}

#[test]
fn every_integer_type_is_named_by_its_bounds() {
    macro_rules! named {
        ($($integer:ty),*) => {$(
            let name = message::<$integer>("x".into_deserializer());
            let name = expectation(&name).unwrap();
            let bounds = (i128::from(<$integer>::MIN), i128::from(<$integer>::MAX));
            let known = integer_bounds::bounds(name).map(|(least, most)| (least.into(), most.into()));
            assert_eq!(known, Some(bounds), "{name}");
        )*};
    }
    named!(i8, i16, i32, i64, u8, u16, u32, u64);
}

#[test]
fn the_standard_library_says_what_does_not_parse() {
    fn parsed<T: FromStr<Err: std::fmt::Display>>(text: &str) -> Option<Expected> {
        Expected::of_parse_error(&text.parse::<T>().err().unwrap().to_string())
    }
    for text in ["x", "", "300"] {
        assert_eq!(parsed::<u8>(text), Some(Expected::Integer), "{text:?}");
    }
    assert_eq!(parsed::<i8>("-300"), Some(Expected::Integer));
    for text in ["x", ""] {
        assert_eq!(parsed::<f64>(text), Some(Expected::Float), "{text:?}");
    }
    assert_eq!(parsed::<bool>("yes"), Some(Expected::Boolean));
    assert_eq!(parsed::<char>("ab"), None);
}

#[test]
fn serde_quotes_fields_and_variants() {
    assert_eq!(missing_field(&message::<Point>(fields([]))), Some("x"));
    assert_eq!(unknown_field(&message::<Point>(fields([("y", 1)]))), Some("y"));
    assert_eq!(unknown_field(&message::<Outer>(fields([("x", 1), ("y", 2)]))), Some("y"), "flattened");
    assert_eq!(duplicate_field(&message::<Point>(fields([("x", 1), ("x", 2)]))), Some("x"));
    let message = message::<Mode>("slow".into_deserializer());
    assert_eq!(variants(expectation(&message).unwrap()), ["fast", "exact"]);
}

#[test]
fn serde_json_ends_a_message_with_a_position() {
    let message = serde_json::from_str::<bool>("nil").unwrap_err().to_string();
    assert!(message.contains("line 1"), "{message}");
    assert_eq!(without_position(&message), "expected ident");
}

/// What axum says when it reads a `T` from the parameters of a path.
async fn path_message<T: DeserializeOwned + Send + 'static>(route: &str, path: &str) -> String {
    let handler = async |taken: Result<Path<T>, PathRejection>| match taken.err() {
        Some(PathRejection::FailedToDeserializePathParams(failed)) => match failed.kind() {
            ErrorKind::Message(message) => message.clone(),
            ErrorKind::ParseError { expected_type, .. }
            | ErrorKind::ParseErrorAtIndex { expected_type, .. }
            | ErrorKind::ParseErrorAtKey { expected_type, .. } => format!(", expected {expected_type}"),
            other => other.to_string(),
        },
        _ => String::new(),
    };
    let router: Router = Router::new().route(route, get(handler));
    let response = router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn axum_names_the_type_of_a_parameter() {
    async fn expected<T: DeserializeOwned + Send + 'static>() -> Expected {
        Expected::of(expectation(&path_message::<T>("/{a}", "/x").await).unwrap())
    }
    assert_eq!(expected::<u32>().await, Expected::Integer);
    assert_eq!(expected::<i128>().await, Expected::Integer);
    assert_eq!(expected::<f32>().await, Expected::Float);
    assert_eq!(expected::<bool>().await, Expected::Boolean);
}

#[tokio::test]
async fn axum_says_that_a_type_fits_no_path() {
    let mismatches = [
        path_message::<Point>("/{y}", "/1").await,
        path_message::<OpenPoint>("/{y}", "/1").await,
        path_message::<((u8, u8), u8)>("/{a}/{b}", "/1/2").await,
        path_message::<Flattened<OpenPoint>>("/{value}", "/1").await,
        path_message::<Flattened<(u8, u8)>>("/{value}", "/1").await,
        path_message::<Flattened<Pair>>("/{value}", "/1").await,
        path_message::<Flattened<BTreeMap<u8, u8>>>("/{value}", "/1").await,
        path_message::<Flattened<()>>("/{value}", "/1").await,
    ];
    for message in mismatches {
        assert!(is_path_mismatch(&message), "{message:?}");
    }
    let wrong_values = [
        path_message::<Flattened<u8>>("/{value}", "/x").await,
        path_message::<Flattened<Inner>>("/{value}", "/x").await,
    ];
    for message in wrong_values {
        assert!(message.starts_with("invalid type: ") && !is_path_mismatch(&message), "{message:?}");
    }
}

#[test]
fn a_second_subscriber_is_known() {
    use tracing_subscriber::util::SubscriberInitExt;

    // Either may be the first of this process.
    let _ = tracing_subscriber::registry().try_init();
    let second = tracing_subscriber::registry().try_init().unwrap_err();
    assert!(is_second_subscriber(&second.to_string()), "{second}");
    assert!(is_second_subscriber(&format!("panicked: {second:?}")), "{second:?}");
}
