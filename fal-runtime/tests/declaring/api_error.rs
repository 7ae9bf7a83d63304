//! Errors that an app declares.

use std::io;

use axum::http::Method;
use fal_runtime::declaration::DeclaredFailure;
use fal_runtime::prelude::*;
use serde_json::json;

use crate::client::Client;

#[derive(Debug, ApiError)]
enum TranslateError {
    #[api(status = 404, detail = "there is no language called {name:?}")]
    UnknownLanguage { name: String },

    #[api(status = 429, detail = "{0} texts are waiting already", log = "refused, {0} in the queue of {1}")]
    Busy(usize, &'static str),

    #[api(status = 503)]
    ModelLost(#[from] io::Error),

    #[api(status = 422, detail = "{{{text}}} cannot be translated")]
    Untranslatable {
        text: String,
        #[source]
        source: std::num::ParseIntError,
    },

    #[api(transparent)]
    Other(#[from] Error),
}

#[derive(Debug, ApiError)]
enum Nested {
    #[api(transparent)]
    Translate(#[from] TranslateError),
}

#[derive(Default)]
struct Translator;

#[app]
impl Translator {
    #[endpoint("/")]
    async fn translate(&self, which: u32) -> Result<(), TranslateError> {
        match which {
            0 => Err(TranslateError::UnknownLanguage { name: "klingon".into() }),
            1 => Err(TranslateError::Busy(7, "gpu")),
            2 => Err(io::Error::other("secret"))?,
            3 => Err("x"
                .parse::<u8>()
                .map_err(|source| TranslateError::Untranslatable { text: "x".into(), source })
                .unwrap_err()),
            4 => None.context("secret")?,
            _ => Err(Error::new(StatusCode::GONE, "no more"))?,
        }
    }

    #[endpoint("/nested")]
    fn nested(&self) -> Result<(), Nested> {
        Err(TranslateError::Busy(1, "cpu"))?
    }

    #[endpoint("/plain")]
    async fn plain(&self) -> Result<()> {
        Err(TranslateError::Busy(2, "cpu"))?
    }
}

#[tokio::test]
async fn each_variant_is_told_by_its_status_and_its_text() {
    let client = Client::of(Translator);
    for (which, status, detail) in [
        (0, 404, "there is no language called \"klingon\""),
        (1, 429, "7 texts are waiting already"),
        (2, 503, "Service Unavailable"),
        (3, 422, "{x} cannot be translated"),
        (4, 500, "Internal Server Error"),
        (5, 410, "no more"),
    ] {
        let answer = client.post("/", which.into()).await;
        assert_eq!((answer.status.as_u16(), answer.detail()), (status, json!(detail)));
    }
    for (path, detail) in
        [("/nested", "1 texts are waiting already"), ("/plain", "2 texts are waiting already")]
    {
        let answer = client.ask(Method::POST, path).await;
        assert_eq!((answer.status.as_u16(), answer.detail()), (429, json!(detail)));
    }
}

#[test]
fn the_log_has_the_log_text_and_every_cause() {
    let log = |error: TranslateError| Error::from(error).to_string();
    assert_eq!(log(TranslateError::Busy(7, "gpu")), "refused, 7 in the queue of gpu");
    assert_eq!(log(io::Error::other("no disk").into()), "model lost: no disk");
    let source = "x".parse::<u8>().unwrap_err();
    let untranslatable = TranslateError::Untranslatable { text: "x".into(), source };
    assert_eq!(untranslatable.to_string(), "{x} cannot be translated");
    assert_eq!(log(untranslatable), "{x} cannot be translated: invalid digit found in string");
    assert_eq!(log(Error::msg("as it is").into()), "as it is");
}

#[test]
fn every_variant_is_in_the_document_of_the_endpoints_that_return_it() {
    assert_eq!(
        TranslateError::FAILURES,
        [
            DeclaredFailure::new(404, "there is no language called {name:?}"),
            DeclaredFailure::new(429, "{0} texts are waiting already"),
            DeclaredFailure::new(503, ""),
            DeclaredFailure::new(422, "{{{text}}} cannot be translated"),
        ]
    );
    let document = Translator::declaration().openapi();
    let responses = &document["paths"]["/"]["post"]["responses"];
    assert_eq!(responses["404"]["description"], "there is no language called {name:?}");
    assert_eq!(
        responses["429"]["content"]["application/json"]["schema"]["$ref"],
        "#/components/schemas/HTTPError"
    );
    assert!(responses["503"]["description"].as_str().unwrap().ends_with("; or: Service Unavailable"));
    assert!(responses["422"]["content"]["application/json"]["schema"]["anyOf"].is_array());
    assert!(document["paths"]["/plain"]["post"]["responses"].get("429").is_none());
}
