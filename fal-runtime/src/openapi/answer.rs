//! The responses of an endpoint for success.

use serde_json::{Map, Value};

use super::components::Schemas;
use super::media::{bytes_content, response, response_as, with_headers};
use super::parameters::is_web_socket;
use crate::answer::Content;
use crate::endpoint::{Endpoint, EndpointMethod};
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
        Content::Bytes => bytes("The answer, in its own format"),
        Content::File if endpoint.methods().contains(&EndpointMethod::GET) => {
            let validators = ["etag", "last-modified", "accept-ranges"];
            let part = ["etag", "last-modified", "accept-ranges", "content-range"];
            let known = object([("description", "The client has the file already".into())]).into();
            return object([
                ("200", with_headers(bytes("The file"), &validators)),
                ("206", with_headers(bytes("The part of the file that `range` names"), &part)),
                ("304", with_headers(known, &["etag", "last-modified"])),
            ]);
        }
        Content::File => bytes("The file"),
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

fn bytes(description: &str) -> Value {
    object([("description", description.into()), ("content", bytes_content())]).into()
}
