//! Answers that borrow from the app.

use fal_runtime::prelude::*;
use serde_json::json;

use crate::client::Client;

#[derive(Default)]
struct Lending {
    names: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct Names<'a> {
    first: Option<&'a str>,
    all: &'a [String],
}

impl Lending {
    fn names(&self) -> Names<'_> {
        Names { first: self.names.first().map(String::as_str), all: &self.names }
    }
}

#[app]
impl Lending {
    #[endpoint("/slice")]
    async fn slice(&self) -> &[String] {
        &self.names
    }

    #[endpoint("/slice/blocking")]
    fn slice_blocking(&self) -> &[String] {
        &self.names
    }

    #[endpoint("/struct")]
    async fn structure(&self) -> Result<Names<'_>> {
        Ok(self.names())
    }

    #[endpoint("/struct/blocking")]
    fn structure_blocking(&self) -> Result<Names<'_>> {
        Ok(self.names())
    }
}

#[tokio::test]
async fn an_answer_may_borrow_from_the_app() {
    let client = Client::of(Lending { names: vec!["a".into(), "b".into()] });
    for (path, answer) in
        [("/slice", json!(["a", "b"])), ("/struct", json!({ "first": "a", "all": ["a", "b"] }))]
    {
        assert_eq!(client.post(path, json!(null)).await.body(), answer);
        assert_eq!(client.post(&format!("{path}/blocking"), json!(null)).await.body(), answer);
    }
}
