use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;

use super::row::SchemaOf;
use super::{Call, json};
use crate::Error;

/// What an endpoint may take besides `&self` and the response's head: the JSON body, or anything that axum can take
/// from a request's head.
///
/// The type decides. `M` only keeps the two ways apart and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of an endpoint",
    label = "neither a JSON body nor an extractor",
    note = "a JSON body has both derives: `#[derive(Deserialize, JsonSchema)]`",
    note = "everything else is taken from the head of the request: axum's `FromRequestParts`"
)]
pub trait Argument<M>: Sized + Send {
    /// Where it is taken from.
    const TAKEN: Taken;

    /// Takes it from the request.
    fn take(call: &mut Call<'_>) -> impl Future<Output = Result<Self, Error>> + Send;
}

/// Where an argument is taken from.
#[derive(Clone, Copy, Debug)]
pub enum Taken {
    /// The JSON body, which has this schema.
    Body(SchemaOf),
    /// The request's head. The OpenAPI document does not say what.
    Head,
}

/// Marks what is taken from the body.
#[derive(Debug)]
pub enum FromBody {}

/// Marks what is taken from the head.
#[derive(Debug)]
pub enum FromHead {}

impl<T: DeserializeOwned + JsonSchema + Send> Argument<FromBody> for T {
    const TAKEN: Taken = Taken::Body(SchemaGenerator::subschema_for::<T>);

    fn take(call: &mut Call<'_>) -> impl Future<Output = Result<Self, Error>> + Send {
        // Read before, so that only the parsing is compiled once for each type.
        let parsed = json::parse(call.body());
        std::future::ready(parsed)
    }
}

impl<T: FromRequestParts<()> + Send> Argument<FromHead> for T {
    const TAKEN: Taken = Taken::Head;

    async fn take(call: &mut Call<'_>) -> Result<Self, Error> {
        let taken = T::from_request_parts(call.head_of_request(), &()).await;
        match taken.map_err(IntoResponse::into_response) {
            Ok(taken) => Ok(taken),
            Err(rejection) => Err(rejected(rejection).await),
        }
    }
}

/// A rejection speaks as a response. Its status and its text are kept, in the one form of failures.
async fn rejected(response: Response) -> Error {
    const LONGEST: usize = 4096;
    let status = response.status();
    let status = if status.is_success() { StatusCode::BAD_REQUEST } else { status };
    let text = axum::body::to_bytes(response.into_body(), LONGEST).await.unwrap_or_default();
    match String::from_utf8_lossy(&text).trim() {
        "" => Error::msg("an extractor rejected the request").status(status),
        text => Error::new(status, text.to_owned()),
    }
}
