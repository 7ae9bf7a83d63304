//! The responses of an endpoint for success.

use serde_json::{Map, Value};

use super::components::Schemas;
use super::media::{bytes_content, response, response_as};
use super::parameters::is_web_socket;
use crate::answer::Content;
use crate::endpoint::Endpoint;
use crate::json::{add, object, parse_static};

/// Its responses, by status.
pub(super) fn of(endpoint: &Endpoint, schemas: &mut Schemas) -> Map<String, Value> {
    let answer = match endpoint.content() {
        Content::Json(schema) => response("The answer", schemas.output(schema)),
        Content::Events(schema) => response_as(
            "text/event-stream",
            "Server-sent events. The data of each is JSON of this schema; an event of the type `error` is the last \
             one, and has what the response of that failure would have.",
            schemas.output(schema),
        ),
        Content::Bytes => {
            object([("description", "The answer, in its own format".into()), ("content", bytes_content())])
                .into()
        }
        Content::Redirect(statuses) => {
            let elsewhere = parse_static(
                r#"{
                    "description": "The answer is elsewhere",
                    "headers": {
                        "location": {
                            "description": "Where it is",
                            "required": true,
                            "schema": { "type": "string", "format": "uri-reference" }
                        }
                    }
                }"#,
            );
            let mut responses = Map::new();
            for status in statuses {
                add(&mut responses, status.as_str(), elsewhere.clone());
            }
            return responses;
        }
        Content::Undocumented if is_web_socket(endpoint) => {
            let switched = object([("description", "The connection becomes a WebSocket".into())]);
            return object([("101", switched.into())]);
        }
        Content::Undocumented => object([("description", "An answer that is not documented".into())]).into(),
    };
    object([("200", answer)])
}
