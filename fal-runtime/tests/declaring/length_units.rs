//! Rules whose lengths are counted in another unit than the document says.

use std::collections::BTreeMap;

use fal_runtime::extract::Query;
use fal_runtime::prelude::*;
use garde::Validate;

#[derive(Deserialize, JsonSchema, Validate)]
struct LeastBytes {
    #[garde(length(min = 2))]
    text: String,
}

#[derive(Deserialize, JsonSchema, Validate)]
struct MostBytes {
    #[garde(length(bytes, max = 300))]
    title: String,
}

#[derive(Deserialize, JsonSchema, Validate)]
struct Utf16 {
    #[garde(length(utf16, equal = 4))]
    code: String,
}

/// The wrong rule is deep below right ones.
#[derive(Deserialize, JsonSchema, Validate)]
struct Order {
    #[garde(length(chars, min = 1, max = 20))]
    name: String,
    #[garde(dive, length(min = 1))]
    lines: Vec<Line>,
    #[serde(default)]
    #[garde(skip)]
    next: Option<Box<Order>>,
}

#[derive(Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[garde(length(max = 8))]
    short_note: Option<String>,
}

#[derive(Deserialize, JsonSchema, Validate)]
struct Search {
    #[garde(inner(length(max = 8)))]
    tags: Vec<String>,
    #[garde(range(max = 9))]
    limit: u8,
}

#[derive(Default)]
struct Bytes;

#[app]
impl Bytes {
    #[endpoint("/least")]
    async fn least(&self, body: LeastBytes) -> usize {
        body.text.len()
    }

    #[endpoint("/most")]
    async fn most(&self, body: Option<MostBytes>) -> usize {
        body.map_or(0, |body| body.title.len())
    }

    #[endpoint("/utf16")]
    async fn utf16(&self, body: Vec<Utf16>) -> usize {
        body.iter().map(|item| item.code.len()).sum()
    }

    #[endpoint("/order")]
    async fn order(&self, body: Order) -> usize {
        body.name.len()
            + body.lines.iter().filter(|line| line.short_note.is_some()).count()
            + usize::from(body.next.is_some())
    }

    #[endpoint("/search")]
    async fn search(&self, Query(query): Query<Search>) -> usize {
        query.tags.len() + usize::from(query.limit)
    }
}

#[test]
fn a_length_that_is_not_counted_in_characters_is_reported_at_any_depth() {
    let reported = |endpoint: &str, taken: &str, field: &str| {
        format!(
            "the endpoint `{endpoint}` takes `{taken}`, whose schema counts the length of `{field}` in characters, and whose rule \
             counts another unit: write `#[garde(length(chars, …))]`"
        )
    };
    let expected = [
        reported("least", "LeastBytes", "text"),
        reported("most", "Nullable_MostBytes", "title"),
        reported("utf16", "Array_of_Utf16", "code"),
        reported("order", "Order", "shortNote"),
        reported("search", "Query<Search>", "tags"),
    ];
    assert_eq!(Bytes::declaration().unenforced_rules(), expected);
}

/// Only takes short texts, with a message like those of garde.
#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "String")]
struct Short(String);

impl TryFrom<String> for Short {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.len() < 3 { Ok(Self(text)) } else { Err("length is greater than 2 bytes") }
    }
}

/// A rule of the app that panics at texts other than ASCII.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde passes the context by reference")]
fn first_two(text: &str, _: &()) -> garde::Result {
    if &text[..2] == "ab" { Ok(()) } else { Err(garde::Error::new("begins otherwise")) }
}

#[derive(Deserialize, JsonSchema, Validate)]
struct Characters {
    #[garde(length(chars, min = 3, max = 5), ascii)]
    ascii: String,
    #[garde(length(chars, min = 3), alphanumeric)]
    letters: String,
    #[garde(length(chars, min = 3), custom(first_two))]
    custom: String,
    // The same for every unit.
    #[garde(length(min = 1))]
    one: String,
    #[garde(skip)]
    #[schemars(length(max = 2))]
    short: Short,
    #[garde(length(min = 2, max = 3))]
    list: Vec<u8>,
    #[garde(length(max = 3))]
    map: BTreeMap<String, u8>,
    #[garde(skip)]
    letter: char,
    #[garde(dive)]
    kind: Kind,
    #[garde(length(chars, max = 1_000_000))]
    long: String,
}

#[derive(Deserialize, JsonSchema, Validate)]
#[serde(tag = "kind")]
enum Kind {
    One {
        #[garde(length(chars, min = 3))]
        text: String,
    },
    Other {
        #[garde(range(min = 1))]
        count: u8,
    },
}

#[derive(Default)]
struct Right;

#[app]
impl Right {
    #[endpoint("/")]
    async fn all(&self, body: Characters) -> usize {
        let kind = match body.kind {
            Kind::One { text } => text.len(),
            Kind::Other { count } => count.into(),
        };
        let texts =
            [body.ascii, body.letters, body.custom, body.one, body.short.0, body.letter.into(), body.long];
        texts.concat().len() + body.list.len() + body.map.len() + kind
    }
}

#[test]
fn lengths_in_characters_and_of_lists_are_not_reported() {
    assert_eq!(Right::declaration().unenforced_rules(), Vec::<String>::new());
}
