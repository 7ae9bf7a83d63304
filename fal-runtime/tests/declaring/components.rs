//! The names of the components of the OpenAPI document.

use fal_runtime::App;
use fal_runtime::prelude::*;
use serde_json::{Value, json};

/// Types whose names OpenAPI does not allow.
#[derive(Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "Größe")]
struct Size {
    width: u32,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "Envelope<{T}>")]
struct Envelope<T> {
    content: T,
    #[serde(default)]
    sealed: bool,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "My Thing/1")]
struct Thing {
    envelope: Envelope<Size>,
    anything: Value,
}

#[derive(Default)]
struct Named;

#[app]
impl Named {
    #[endpoint("/things")]
    async fn things(&self, thing: Thing) -> Thing {
        thing
    }
}

mod shop {
    use super::{Deserialize, JsonSchema, Serialize};

    #[derive(Deserialize, Serialize, JsonSchema)]
    pub(super) struct Item {
        pub(super) price: u32,
    }

    #[derive(Serialize, JsonSchema)]
    pub(super) struct Receipt {
        pub(super) item: Item,
    }
}

mod stock {
    use super::{Deserialize, JsonSchema, Serialize};

    #[derive(Deserialize, Serialize, JsonSchema)]
    pub(super) struct Item {
        pub(super) shelf: u32,
    }

    #[derive(Deserialize, JsonSchema)]
    pub(super) struct Delivery {
        pub(super) item: Item,
    }
}

/// Its endpoints take one `Item` and return the other, nested in types that occur on one side only.
#[derive(Default)]
struct Shop;

#[app]
impl Shop {
    #[endpoint("/deliver")]
    async fn deliver(&self, delivery: stock::Delivery) -> shop::Receipt {
        shop::Receipt { item: shop::Item { price: delivery.item.shelf } }
    }

    #[endpoint("/buy")]
    async fn buy(&self, item: shop::Item) -> stock::Item {
        stock::Item { shelf: item.price }
    }
}

/// The same types in another order, and one more endpoint before them.
#[derive(Default)]
struct LargerShop;

#[app]
impl LargerShop {
    #[endpoint("/count")]
    async fn count(&self, item: shop::Item) -> u32 {
        item.price
    }

    #[endpoint("/buy")]
    async fn buy(&self, item: shop::Item) -> stock::Item {
        stock::Item { shelf: item.price }
    }

    #[endpoint("/deliver")]
    async fn deliver(&self, delivery: stock::Delivery) -> shop::Receipt {
        shop::Receipt { item: shop::Item { price: delivery.item.shelf } }
    }
}

fn components<A: App>() -> Value {
    A::declaration().openapi().pointer("/components/schemas").unwrap().clone()
}

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str));
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn component_names_are_allowed_by_openapi_and_every_reference_leads_to_one() {
    let document = Named::declaration().openapi();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    assert!(schemas.keys().all(|name| name.chars().all(is_allowed)), "{:?}", schemas.keys());
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.contains(&"#/components/schemas/My_Thing_1-Input"), "{found:?}");
    for reference in found {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    }
}

#[test]
fn a_name_that_is_written_otherwise_is_still_two_components_where_the_sides_differ() {
    let schemas = components::<Named>();
    for (name, required) in [("Input", json!(["content"])), ("Output", json!(["content", "sealed"]))] {
        assert_eq!(schemas[format!("Envelope_Gr_e-{name}")]["required"], required, "{schemas:#}");
    }
    assert_eq!(schemas["Gr_e"]["title"], "Größe");
    // Generators that name types by their titles take no two of one name.
    assert_eq!(schemas["Envelope_Gr_e-Input"]["title"], serde_json::Value::Null);
}

#[test]
fn two_types_of_one_name_are_one_component_each_with_the_module_in_its_name() {
    let schemas = components::<Shop>();
    for (module, property) in [("shop", "price"), ("stock", "shelf")] {
        let item = &schemas[format!("declaring.components.{module}.Item")];
        assert_eq!(item["required"], json!([property]), "{schemas:#}");
        assert_eq!(item["title"], serde_json::Value::Null);
    }
    let nested = |parent: &str| schemas[parent]["properties"]["item"]["$ref"].clone();
    assert_eq!(nested("Receipt"), "#/components/schemas/declaring.components.shop.Item");
    assert_eq!(nested("Delivery"), "#/components/schemas/declaring.components.stock.Item");
    let names: Vec<_> = schemas.as_object().unwrap().keys().filter(|name| name.contains("Item")).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn component_names_stay_when_endpoints_are_added_and_moved() {
    let (before, after) = (components::<Shop>(), components::<LargerShop>());
    for (name, schema) in before.as_object().unwrap() {
        assert_eq!(&after[name], schema, "{name}");
    }
}

#[test]
fn a_value_of_any_type_has_an_empty_schema() {
    let anything = &components::<Named>()["My_Thing_1-Input"]["properties"]["anything"];
    assert_eq!(anything, &json!({}));
}

#[test]
fn an_endpoint_without_a_doc_comment_has_a_summary_from_its_name() {
    let document = Greeter::declaration().openapi();
    assert_eq!(document["paths"]["/hello"]["post"]["summary"], "Say Hello");
    assert_eq!(document["paths"]["/bye"]["post"]["summary"], "Says goodbye.");
}

#[derive(Default)]
struct Greeter;

#[app]
impl Greeter {
    #[endpoint("/hello")]
    async fn say_hello(&self) {}

    /// Says goodbye.
    #[endpoint("/bye")]
    async fn say_bye(&self) {}
}
