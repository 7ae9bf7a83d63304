//! The OpenAPI document, held against what others make of it: a validator with the official schema of OpenAPI 3.1, and
//! schemathesis, which derives requests from a document, valid and invalid ones, and holds every answer against it.
//!
//! Both are Python programs, looked for on the path; `pip install -r tests/document/requirements.txt` brings them.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails, and says why")]
#![expect(
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "an endpoint is what its signature says, however little it does"
)]

mod catalogue;
mod served;
mod tools;

use catalogue::Catalogue;
use fal_runtime::App;
use served::Served;

#[test]
#[ignore = "needs openapi-spec-validator from PyPI on the path"]
fn the_document_is_valid_openapi_3_1() {
    for document in [served::quickstarts_document(), Catalogue::declaration().openapi().to_string()] {
        tools::validate(&document);
    }
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
    let catalogue = Served::app(Catalogue);
    tools::fuzz(catalogue.address());
}
