use axum::extract::State;
use fal_runtime::prelude::*;

#[derive(Clone, Default)]
struct Chat;

#[app]
impl Chat {
    #[endpoint("/")]
    async fn chat(&self, State(_app): State<Chat>) {}
}

fn main() {}
