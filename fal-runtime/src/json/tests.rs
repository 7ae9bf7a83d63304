//! The JSON reader against `serde_json`, and the errors that it gives.

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

/// Valid and invalid JSON, as `serde_json` decides.
const TEXTS: [&str; 48] = [
    "",
    " ",
    "null",
    "nul",
    "nullx",
    "true",
    "false",
    "tru",
    "0",
    "-0",
    "00",
    "01",
    "-",
    "-1",
    "+1",
    "1.",
    "1.5",
    ".5",
    "1e3",
    "1e",
    "1E+2",
    "1e999",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    r#""""#,
    r#""a"#,
    r#""\""#,
    r#""\\""#,
    r#""\u00e9\ud83d\ude00""#,
    r#""\ud83d""#,
    r#""\x""#,
    "\"\n\"",
    "\"é\"",
    "[]",
    "[",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1,2] ",
    "[1] 2",
    "{}",
    r#"{"a":1}"#,
    r#"{"a":1,}"#,
    r#"{"a"}"#,
    "{1:2}",
    r#"{"a":{"b":[1,{"c":null}]},"a":2}"#,
    "\u{feff}1",
];

#[test]
fn it_takes_for_json_what_serde_json_does_and_reads_the_same() {
    for text in TEXTS {
        let theirs = serde_json::from_str::<Value>(text);
        let ours = read::<Value>(text);
        let worth = |value: &Value| value.as_f64();
        assert_eq!(ours.as_ref().ok().map(worth), theirs.as_ref().ok().map(worth), "{text:?}");
        if let (Ok(ours), Ok(theirs)) = (&ours, &theirs) {
            assert!(ours == theirs || ours.is_number(), "{text:?}");
        }
        // A skipped value must still be JSON.
        let skipped = read::<serde::de::IgnoredAny>(text).is_ok();
        assert_eq!(skipped, theirs.is_ok(), "{text:?} skipped");
    }
}

/// Texts that are nearly JSON, from the same seed every time.
struct NearlyJson(u64);

impl NearlyJson {
    const PIECES: [&str; 24] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\":",
        "\"\\n\"",
        "\"\\u00e9\"",
        "\"",
        "\\",
        "1",
        "-",
        "0",
        ".5",
        "e3",
        "null",
        "true",
        "false",
        " ",
        "\n",
        "{\"a\":",
        "[1,",
    ];

    /// By `SplitMix64`.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }

    fn value(&mut self, depth: usize) -> String {
        match self.below(if depth == 0 { 4 } else { 6 }) {
            0 => ["0", "-7", "12.5", "1e3", "18446744073709551616"][self.below(5)].to_owned(),
            1 => ["null", "true", "false"][self.below(3)].to_owned(),
            2 => ["\"\"", "\"a\"", "\"\\u00e9\\n\"", "\"é\""][self.below(4)].to_owned(),
            3 => ["[]", "{}", " [ ] "][self.below(3)].to_owned(),
            4 => format!("[{}, {}]", self.value(depth - 1), self.value(depth - 1)),
            _ => format!("{{\"a\": {}, \"b\": {}}}", self.value(depth - 1), self.value(depth - 1)),
        }
    }

    /// A value, most often spoilt in a place or two.
    fn text(&mut self) -> String {
        let mut text: Vec<char> = self.value(4).chars().collect();
        for _ in 0..self.below(3) {
            let at = self.below(text.len() + 1);
            match self.below(3) {
                0 if at < text.len() => drop(text.remove(at)),
                1 => text.truncate(at),
                _ => drop(text.splice(at..at, Self::PIECES[self.below(Self::PIECES.len())].chars())),
            }
        }
        text.into_iter().collect()
    }
}

#[test]
fn it_agrees_with_serde_json_on_random_texts() {
    let mut nearly = NearlyJson(7);
    let mut taken = 0;
    for _ in 0..30_000 {
        let text = nearly.text();
        let theirs = serde_json::from_str::<Value>(&text);
        let ours = read::<Value>(&text);
        assert_eq!(ours.is_ok(), theirs.is_ok(), "{text:?}");
        assert_eq!(read::<serde::de::IgnoredAny>(&text).is_ok(), theirs.is_ok(), "{text:?} skipped");
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            taken += 1;
            // Whole floats are integers here; as texts of floats both are the same.
            assert_eq!(floats(ours), floats(theirs), "{text:?}");
        }
    }
    assert!((5_000..25_000).contains(&taken), "{taken} texts are JSON");
}

/// The same value with every number as a float.
fn floats(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.into_iter().map(floats).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, floats(value))).collect(),
        other => other,
    }
}

#[test]
fn it_goes_as_deep_as_serde_json_does() {
    for depth in [127, 128] {
        let text = "[".repeat(depth) + &"]".repeat(depth);
        let is_json = serde_json::from_str::<Value>(&text).is_ok();
        assert_eq!(read::<Value>(&text).is_ok(), is_json, "{depth}");
        assert_eq!(read::<serde::de::IgnoredAny>(&text).is_ok(), is_json, "{depth} skipped");
    }
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
fn a_whole_float_is_an_integer_and_no_other_is() {
    assert_eq!(read::<Vec<i64>>("[1.0, -2e3, -0.0]").unwrap(), [1, -2000, 0]);
    assert_eq!(kind::<Vec<u8>>("[1.5]"), (ErrorKind::WrongType("u8".into()), "[0]".into()));
    assert_eq!(kind::<u8>("256.0").0, ErrorKind::WrongType("u8".into()));
    assert!(matches!(kind::<u64>("1e300").0, ErrorKind::WrongType(_)));
}

#[test]
fn a_list_is_no_struct() {
    assert_eq!(kind::<Point>("[1, 2]"), (ErrorKind::WrongType("a struct".into()), String::new()));
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
    let (found, path) = kind::<(u8, u8)>("[1, 2, 3]");
    assert_eq!((found, path.as_str()), (ErrorKind::Custom("more items than expected".into()), "[1]"));
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
