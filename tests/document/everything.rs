//! An app that uses every feature of a declaration, for generators of clients.

use std::collections::BTreeMap;

use fal_runtime::answer::{Binary, Redirect};
use fal_runtime::extract::{Bearer, Bytes, Cookies, FromApp, Headers, MissingBearer, Multipart, Parts, Path};
use fal_runtime::extract::{Query, SecurityScheme, Text};
use fal_runtime::prelude::*;

/// An app that uses every feature of a declaration.
#[derive(Default)]
pub(crate) struct Everything;

/// The token of its only client.
const TOKEN: &str = "secret";

/// Who is calling.
pub(crate) struct Caller(String);

impl FromApp<Everything> for Caller {
    const SECURITY: &'static [SecurityScheme] = &[SecurityScheme::BEARER];

    async fn from_app(_: &Everything, request: &Parts) -> Result<Self> {
        let bearer = Bearer::from_headers(&request.headers).ok_or(MissingBearer)?;
        if !bearer.is(TOKEN) {
            return Err(Error::new(StatusCode::FORBIDDEN, "unknown token"));
        }
        Ok(Self("ada".to_owned()))
    }
}

#[derive(Debug, ApiError)]
pub(crate) enum OrderError {
    #[api(status = 404, detail = "there is no item {name}")]
    UnknownItem { name: String },

    #[api(status = 429, header("retry-after", "{0}"))]
    Busy(u32),
}

/// Integers of every width.
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

#[derive(Clone, Deserialize, Serialize, JsonSchema)]
struct Order {
    name: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    size: Size,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Box<Order>>,
    #[serde(default)]
    counts: BTreeMap<String, u32>,
    shape: Shape,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Size {
    #[default]
    Small,
    VeryLarge,
}

#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Shape {
    Circle { radius: u32 },
    Box { width: u32, height: u32 },
    Point,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "Page<{T}>")]
struct Page<T> {
    items: Vec<T>,
    next: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
struct Search {
    text: String,
    #[serde(default)]
    tag: Vec<String>,
    page: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
struct Tenant {
    x_tenant: String,
}

#[derive(Deserialize, JsonSchema)]
struct Session {
    visits: Option<u32>,
}

mod stock {
    use fal_runtime::prelude::*;

    /// Another type of this name.
    #[derive(Deserialize, Serialize, JsonSchema)]
    pub(super) struct Order {
        pub(super) shelf: u32,
    }
}

#[app(max_multiplexing = 16)]
impl Everything {
    #[endpoint("/numbers")]
    async fn numbers(&self, numbers: Numbers) -> Numbers {
        numbers
    }

    /// Gives an order back.
    ///
    /// Both sides of its type are in the document.
    #[endpoint("/orders")]
    fn order(&self, order: Order) -> Result<Order, OrderError> {
        match order.name.as_str() {
            "unknown" => Err(OrderError::UnknownItem { name: order.name }),
            "busy" => Err(OrderError::Busy(7)),
            _ => Ok(order),
        }
    }

    /// Says the name, the file name and the size of each part.
    #[endpoint("/upload")]
    async fn upload(&self, mut form: Multipart) -> Result<Vec<String>> {
        let mut parts = Vec::new();
        while let Some(part) = form.next_part().await? {
            let (name, file) = (part.name().unwrap_or_default(), part.file_name().unwrap_or_default());
            let said = format!("{name} {file}");
            parts.push(format!("{said} {}", part.bytes().await?.len()));
        }
        Ok(parts)
    }

    #[endpoint("/orders/{number}", method = PUT)]
    async fn put(&self, Path(number): Path<u32>, order: Option<stock::Order>) -> Option<stock::Order> {
        order.map(|order| stock::Order { shelf: order.shelf.saturating_add(number) })
    }

    #[endpoint("/orders/{number}", method = DELETE)]
    async fn remove(&self, Path(_): Path<u32>, caller: Caller, response: &mut ResponseHead) -> String {
        response.set_header("x-removed-by", &caller.0);
        caller.0
    }

    #[endpoint("/search", method = GET)]
    async fn search(&self, Query(search): Query<Search>, Headers(tenant): Headers<Tenant>) -> Page<String> {
        let items =
            search.tag.iter().map(|tag| format!("{} {tag} {}", search.text, tenant.x_tenant)).collect();
        Page { items, next: search.page.map(|page| page.saturating_add(1)) }
    }

    #[endpoint("/visit")]
    async fn visit(&self, Cookies(session): Cookies<Session>) -> u32 {
        session.visits.unwrap_or_default().saturating_add(1)
    }

    #[endpoint("/any")]
    async fn any(&self, value: serde_json::Value) -> serde_json::Value {
        value
    }

    #[endpoint("/pair")]
    async fn pair(&self, pair: (u32, String)) -> (u32, String) {
        pair
    }

    /// Use `search`.
    #[deprecated]
    #[endpoint("/find")]
    async fn find(&self) {}

    #[endpoint("/words")]
    async fn words(&self, Text(text): Text) -> usize {
        text.split_whitespace().count()
    }

    #[endpoint("/size")]
    async fn size(&self, bytes: Bytes) -> usize {
        bytes.len()
    }

    #[endpoint("/image", method = GET)]
    async fn image(&self) -> Binary {
        Binary::new(*b"<svg/>").content_type("image/svg+xml")
    }

    #[endpoint("/elsewhere", method = GET)]
    async fn elsewhere(&self) -> Redirect {
        Redirect::see("/image")
    }

    #[endpoint("/count")]
    async fn count(&self, from: u32, events: &mut Events<u32>) -> Result<()> {
        for number in (0..=from).rev() {
            events.send(number).await?;
        }
        Ok(())
    }

    #[endpoint("/alive", health_check = HealthCheck(timeout_seconds = 1))]
    fn alive(&self) {}
}
