//! The reader accepts what `serde_json` accepts, and reads the same values.

use serde_json::{Value, json};

use super::read;

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
