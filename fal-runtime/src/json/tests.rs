//! The JSON reader against `serde_json`, and the errors that it gives.

mod agreement;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::{ErrorKind, LocatedError};
use super::reader::Reader;
use crate::error::Step;

fn read<T: DeserializeOwned>(body: &str) -> Result<T, LocatedError> {
    let mut reader = Reader::new(body.as_bytes());
    match T::deserialize(&mut reader) {
        Ok(value) => reader.end().map_or(Ok(value), |fault| Err(reader.locate(fault))),
        Err(fault) => Err(reader.locate(fault)),
    }
}

fn kind<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> (ErrorKind, String) {
    let LocatedError { kind, path } = read::<T>(body).unwrap_err();
    let path = path.into_iter().map(|step| match step {
        Step::Key(key) => format!(".{key}"),
        Step::Index(index) => format!("[{index}]"),
    });
    (kind, path.collect())
}

#[derive(Debug, Deserialize, PartialEq)]
struct Point {
    x: i32,
    #[serde(default)]
    y: Option<u8>,
}

#[derive(Debug, Deserialize, PartialEq)]
enum Shape {
    Empty,
    Dot(Point),
    Line(Point, Point),
    Circle { radius: f64 },
}

/// A map of whose end its reader asks more than once.
#[derive(Debug, PartialEq)]
struct Twice(Vec<String>);

impl<'de> Deserialize<'de> for Twice {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Asks;

        impl<'de> serde::de::Visitor<'de> for Asks {
            type Value = Twice;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Twice, A::Error> {
                let mut keys = Vec::new();
                for _ in 0..4 {
                    if let Some((key, _)) = map.next_entry::<String, u8>()? {
                        keys.push(key);
                    }
                }
                Ok(Twice(keys))
            }
        }

        deserializer.deserialize_map(Asks)
    }
}

#[test]
fn the_end_of_an_object_is_its_end_however_often_one_asks() {
    let read: BTreeMap<String, Twice> = read(r#"{"in": {"a": 1}, "next": {"b": 2, "c": 3}}"#).unwrap();
    assert_eq!(read["in"], Twice(vec!["a".to_owned()]));
    assert_eq!(read["next"], Twice(vec!["b".to_owned(), "c".to_owned()]));
}

#[test]
fn a_body_of_invalid_utf8_is_invalid_json() {
    let mut reader = Reader::new(b"\"\xff\"");
    assert!(String::deserialize(&mut reader).is_err());
}

#[test]
fn structs_and_variants_are_read_as_serde_json_reads_them() {
    assert_eq!(read::<Point>(r#"{"x": -3, "z": [{}]}"#).unwrap(), Point { x: -3, y: None });
    let shapes: Vec<Shape> = read(
        r#"["Empty", {"Dot": {"x": 1}}, {"Line": [{"x": 1}, {"x": 2, "y": 3}]}, {"Circle": {"radius": 1}}]"#,
    )
    .unwrap();
    let (one, two) = (Point { x: 1, y: None }, Point { x: 2, y: Some(3) });
    let dot = Shape::Dot(Point { x: 1, y: None });
    assert_eq!(shapes, [Shape::Empty, dot, Shape::Line(one, two), Shape::Circle { radius: 1.0 }]);
}

#[test]
fn keys_may_be_numbers_in_quotes() {
    assert_eq!(read::<BTreeMap<u32, bool>>(r#"{"7": true}"#).unwrap(), BTreeMap::from([(7, true)]));
    let (found, path) = kind::<BTreeMap<u32, bool>>(r#"{"x": true}"#);
    assert_eq!((found, path.as_str()), (ErrorKind::WrongType("u32".into()), ".x"));
}

#[test]
fn a_whole_float_is_an_integer_and_no_other_is_s96() {
    assert_eq!(read::<Vec<i64>>("[1.0, -2e3, -0.0, -0]").unwrap(), [1, -2000, 0, 0]);
    assert_eq!(read::<Value>("-0").unwrap(), 0);
    assert_eq!(kind::<Vec<u8>>("[1.5]"), (ErrorKind::WrongType("u8".into()), "[0]".into()));
    assert_eq!(kind::<u8>("256.0").0, ErrorKind::WrongType("u8".into()));
    assert!(matches!(kind::<u64>("1e300").0, ErrorKind::WrongType(_)));
}

#[test]
fn a_list_is_no_struct() {
    assert_eq!(kind::<Point>("[1, 2]"), (ErrorKind::WrongType("a struct".into()), String::new()));
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only parsed")]
enum Choice {
    One(u8),
    Two(u8),
}

#[test]
fn a_mistake_is_told_where_it_is() {
    type Points = BTreeMap<String, Vec<Point>>;
    let at = |body| kind::<Points>(body);
    assert_eq!(
        at(r#"{"a": [], "b": [{"x": 1}, {"x": "1"}]}"#),
        (ErrorKind::WrongType("i32".into()), ".b[1].x".into())
    );
    assert_eq!(at(r#"{"b": [{"x": 1}, {"y": 1}]}"#), (ErrorKind::MissingField("x"), ".b[1]".into()));
    assert_eq!(at(r#"{"b": {}}"#), (ErrorKind::WrongType("a sequence".into()), ".b".into()));
    assert_eq!(at(r#"{"b": [{"x": }]}"#).0, ErrorKind::Syntax);
    assert_eq!(at("{} {}"), (ErrorKind::Syntax, String::new()));
    for (found, path) in
        [kind::<Vec<(u8, u8)>>("[[1, 2, 3]]"), kind::<Vec<Choice>>(r#"[{"One": 1, "Two": 2}]"#)]
    {
        assert_eq!((found, path.as_str()), (ErrorKind::Custom("more items than expected".into()), "[0]"));
    }
}

#[test]
fn a_whole_float_is_an_integer_in_a_variant_that_a_field_tells_too() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(tag = "kind")]
    enum Tagged {
        Point(Point),
    }
    let point = Tagged::Point(Point { x: 2, y: None });
    assert_eq!(read::<Tagged>(r#"{"x": 2.0, "kind": "Point"}"#).unwrap(), point);
}

#[test]
fn a_value_of_any_type_keeps_what_its_numbers_are_worth() {
    let read: Value = read(r#"{"a": [1, -1, 1.0, 1.5, 1e300, 18446744073709551615], "b": "\n"}"#).unwrap();
    assert_eq!(read, json!({"a": [1, -1, 1, 1.5, 1e300, u64::MAX], "b": "\n"}));
}

#[test]
fn an_object_of_which_not_all_is_wanted_is_left_behind() {
    /// The value of the first member.
    #[derive(Debug, PartialEq)]
    struct First(u8);

    impl<'de> Deserialize<'de> for First {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;

            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = First;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<First, A::Error> {
                    Ok(First(map.next_entry::<String, u8>()?.map_or(0, |(_, value)| value)))
                }
            }

            deserializer.deserialize_map(Visitor)
        }
    }

    assert_eq!(read::<First>(r#"{"a": 1}"#).unwrap(), First(1));
    assert_eq!(read::<Vec<First>>(r#"[{"a": 1}, {"b": 2} ]"#).unwrap(), [First(1), First(2)]);
    assert_eq!(read::<(First, u8)>(r#"[{"a": 1}, 2]"#).unwrap(), (First(1), 2));
    let all = |body| kind::<Vec<First>>(body).0;
    assert_eq!(all(r#"[{"a": 1, "b": 2}]"#), ErrorKind::Custom("more items than expected".into()));
    assert_eq!(kind::<First>(r#"{"a": 1, "b": 2}"#).0, ErrorKind::Custom("more items than expected".into()));
    assert_eq!(kind::<First>(r#"{"a": 1"#).0, ErrorKind::Syntax);
}

#[test]
fn integers_of_128_bits_are_read_whole_s96() {
    let largest = u128::MAX.to_string();
    assert_eq!(read::<u128>(&largest).unwrap(), u128::MAX);
    assert_eq!(read::<i128>(&i128::MIN.to_string()).unwrap(), i128::MIN);
    assert_eq!(read::<(u128, i128)>("[7, -7]").unwrap(), (7, -7));
    assert_eq!(read::<u128>("1e17").unwrap(), 100_000_000_000_000_000);
    for (text, name) in [("-1", "u128"), (&*format!("{largest}0"), "u128"), ("1.5", "u128")] {
        assert_eq!(kind::<u128>(text).0, ErrorKind::WrongType(name.into()), "{text}");
    }
    assert!(read::<u64>(&largest).is_err());
}

#[test]
fn a_float_without_a_fraction_is_an_integer_as_far_as_its_type_reaches_s96() {
    assert_eq!(read::<i64>("1e17").unwrap(), 100_000_000_000_000_000);
    assert_eq!(read::<u64>("1.5e19").unwrap(), 15_000_000_000_000_000_000);
    assert_eq!(read::<i64>("-9223372036854775808.0").unwrap(), i64::MIN);
    for text in ["-9223372036854775809", "9223372036854775808", "1e19"] {
        assert_eq!(kind::<i64>(text).0, ErrorKind::WrongType("i64".into()), "{text}");
    }
    assert_eq!(read::<Value>("-9223372036854775809").unwrap(), json!(-9_223_372_036_854_775_808.0));
}

#[test]
fn a_raw_value_is_the_text_of_the_body() {
    type Raw = Box<serde_json::value::RawValue>;
    let raw: BTreeMap<String, Raw> = read(r#"{"a": [1.0,  {"b": "\u00e9"}] , "c": 1.10}"#).unwrap();
    assert_eq!(raw["a"].get(), r#"[1.0,  {"b": "\u00e9"}]"#);
    assert_eq!(raw["c"].get(), "1.10");
    assert_eq!(kind::<Vec<Raw>>("[1, x]").0, ErrorKind::Syntax);
}

#[test]
fn a_string_ends_at_its_quote_and_may_have_an_escape_at_any_length() {
    for length in 0..40 {
        let plain = "\u{e4}x".repeat(length / 3) + &"y".repeat(length % 3);
        assert_eq!(read::<String>(&format!("\"{plain}\"")).unwrap(), plain);
        assert_eq!(read::<String>(&format!("\"{plain}\\\"{plain}\"")).unwrap(), format!("{plain}\"{plain}"));
        for invalid in [format!("\"{plain}\u{1f}{plain}\""), format!("\"{plain}"), format!("\"{plain}\\")] {
            assert!(read::<String>(&invalid).is_err(), "{invalid}");
        }
    }
}
