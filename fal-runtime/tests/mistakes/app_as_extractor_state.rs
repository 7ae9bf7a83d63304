use axum::extract::FromRequestParts;
use fal_runtime::extract::Parts;
use fal_runtime::prelude::*;

#[derive(Default)]
struct Chat;

struct Caller;

impl FromRequestParts<Chat> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(_: &mut Parts, _: &Chat) -> Result<Self, StatusCode> {
        Ok(Self)
    }
}

#[app]
impl Chat {
    #[endpoint("/")]
    async fn chat(&self, _caller: Caller) {}
}

fn main() {}
