//! The OpenAPI document, held against what others make of it: validators with the official schemas of OpenAPI, schemathesis, which
//! derives requests from a document, valid and invalid ones, and holds every answer against it, and generators of clients.
//!
//! Some are Python programs, looked for on the path: `pip install -r tests/document/requirements.txt` brings them. Others are
//! packages of npm in `target/client-tools`.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails, and says why")]
#![expect(clippy::unused_self, reason = "an endpoint is what its signature says, however little it does")]

mod clients;
mod everything;
mod fastapi;
mod served;
mod tools;

use everything::Everything;
use fal_runtime::App;
use served::Served;

#[test]
#[ignore = "needs openapi-spec-validator from PyPI on the path"]
fn the_document_is_valid_openapi_3_1() {
    for document in [served::quickstarts_document(), Everything::declaration().openapi().to_string()] {
        tools::validate(&document, "3.1");
    }
}

#[test]
#[ignore = "needs openapi-spec-validator from PyPI on the path"]
fn the_document_of_version_3_0_is_valid() {
    tools::validate(&Everything::declaration().openapi_3_0().to_string(), "3.0");
}

#[test]
#[ignore = "needs schemathesis from PyPI on the path"]
fn the_quickstart_answers_through_its_host_what_its_document_says() {
    let quickstart = Served::quickstart();
    tools::fuzz(quickstart.address());
}

#[test]
#[ignore = "needs schemathesis from PyPI on the path"]
fn an_app_with_every_kind_of_endpoint_answers_what_its_document_says() {
    let everything = Served::app(Everything);
    tools::fuzz(everything.address());
}
