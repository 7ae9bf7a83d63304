//! Errors in fields that an endpoint finds itself.

use axum::http::Method;
use fal_runtime::FieldError;
use fal_runtime::prelude::*;
use serde_json::json;

use crate::client::Client;

#[derive(Default)]
struct Languages;

#[app]
impl Languages {
    #[endpoint("/one")]
    async fn one(&self, languages: Vec<String>) -> Result<usize> {
        match languages.iter().position(|language| language == "klingon") {
            Some(index) => Err(FieldError::new("unknown_language", "there is no language called klingon")
                .at("body")
                .at(index)
                .input("klingon"))?,
            None => Ok(languages.len()),
        }
    }

    #[endpoint("/two")]
    async fn two(&self) -> Result<()> {
        let error = |name: String| FieldError::new("value_error", "too old").at("header").at(name);
        Err(Error::invalid(["x-from", "x-to"].map(|name| error(name.to_owned()))))
    }

    #[endpoint("/text")]
    async fn text(&self) -> Result<()> {
        Err(Error::new(StatusCode::UNPROCESSABLE_ENTITY, "cannot be translated"))
    }
}

#[tokio::test]
async fn an_endpoint_raises_an_error_in_a_field() {
    let client = Client::of(Languages);
    let answer = client.post("/one", json!(["latin", "klingon"])).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let expected = json!([{
        "type": "unknown_language",
        "loc": ["body", 1],
        "msg": "there is no language called klingon",
        "input": "klingon",
    }]);
    assert_eq!(answer.detail(), expected);
    let two = client.ask(Method::POST, "/two").await.detail();
    assert_eq!((&two[0]["loc"], &two[1]["loc"]), (&json!(["header", "x-from"]), &json!(["header", "x-to"])));
}

#[test]
fn the_log_has_the_messages_of_all_fields() {
    let errors = ["too old", "too new"].map(|message| FieldError::new("value_error", message));
    assert_eq!(Error::invalid(errors).to_string(), "invalid request: too old; too new");
}

#[test]
fn an_error_of_any_status_fits_the_document() {
    let document = Languages::declaration().openapi();
    let responses = &document["paths"]["/one"]["post"]["responses"];
    for (status, other) in [("422", "HTTPValidationError"), ("503", "HostError"), ("504", "HostError")] {
        let schema = &responses[status]["content"]["application/json"]["schema"];
        let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        assert_eq!(schema, &json!({ "anyOf": [reference(other), reference("HTTPError")] }), "{status}");
    }
    // An endpoint whose requests are never invalid declares no 422: its error is a `default`.
    let responses = &document["paths"]["/text"]["post"]["responses"];
    assert!(responses.get("422").is_none());
    assert_eq!(
        responses["default"]["content"]["application/json"]["schema"]["$ref"],
        "#/components/schemas/HTTPError"
    );
}
