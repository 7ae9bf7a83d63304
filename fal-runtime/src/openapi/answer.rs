//! What an endpoint answers with when it does not fail.

use serde_json::{Value, json};

use super::components::Schemas;
use crate::Endpoint;
use crate::endpoint::Content;

/// Its responses, by status.
pub(super) fn of(endpoint: &Endpoint, schemas: &mut Schemas) -> Vec<(String, Value)> {
    let answer = match endpoint.content() {
        Content::Json(schema) => super::operation::response("The answer", &schemas.output(schema)),
        Content::Events(schema) => json!({
            "description": "Server-sent events. The data of each is JSON of this schema; an event of the type `error` \
                            is the last one, and has what the response of that failure would have.",
            "content": { "text/event-stream": { "schema": schemas.output(schema) } },
        }),
        Content::Bytes => {
            let bytes = json!({ "schema": { "type": "string", "format": "binary" } });
            json!({
                "description": "The answer, in its own format",
                "content": { "application/octet-stream": bytes, "*/*": bytes },
            })
        }
        Content::Redirect(statuses) => {
            let elsewhere = json!({
                "description": "The answer is elsewhere",
                "headers": {
                    "location": {
                        "description": "Where it is",
                        "required": true,
                        "schema": { "type": "string", "format": "uri-reference" },
                    },
                },
            });
            return statuses.iter().map(|status| (status.as_str().to_owned(), elsewhere.clone())).collect();
        }
        Content::Undocumented => json!({ "description": "An answer that is not documented" }),
    };
    vec![("200".to_owned(), answer)]
}
