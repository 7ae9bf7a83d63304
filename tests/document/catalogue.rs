//! An app with every kind of endpoint, for the OpenAPI tools.

use std::collections::BTreeMap;

use axum::extract::Path;
use fal_runtime::prelude::*;

/// An app whose endpoints take and give whatever an endpoint can.
#[derive(Default)]
pub(crate) struct Catalogue;

/// Integers of every width, from end to end of what they can hold.
#[derive(Deserialize, Serialize, JsonSchema)]
struct Numbers {
    byte: u8,
    signed_byte: i8,
    short: u16,
    signed_short: i16,
    word: u32,
    signed_word: i32,
    long: u64,
    signed_long: i64,
    fraction: f64,
    small_fraction: Option<f32>,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Item {
    name: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    size: Size,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Box<Item>>,
    #[serde(default)]
    counts: BTreeMap<String, u32>,
    shape: Shape,
}

#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Size {
    #[default]
    Small,
    VeryLarge,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Shape {
    Circle { radius: u32 },
    Box { width: u32, height: u32 },
    Point,
}

#[app(max_multiplexing = 16)]
impl Catalogue {
    /// Gives numbers back.
    #[endpoint("/numbers")]
    async fn numbers(&self, numbers: Numbers) -> Numbers {
        numbers
    }

    /// Gives an item back.
    ///
    /// Both sides of its type are in the document.
    #[endpoint("/items")]
    fn item(&self, item: Item) -> Result<Item> {
        Ok(item)
    }

    /// Gives a list back.
    #[endpoint("/list")]
    async fn list(&self, list: Vec<Option<bool>>) -> Vec<Option<bool>> {
        list
    }

    /// Finds nothing.
    #[endpoint("/nothing/{name}")]
    async fn find(&self, Path(name): Path<String>) -> Result<Item> {
        Err(Error::new(StatusCode::NOT_FOUND, format!("there is no {name}")))
    }

    #[endpoint("/alive", health_check = HealthCheck(timeout_seconds = 1))]
    fn alive(&self) {}
}
