use fal_runtime::Cors;
use fal_runtime::prelude::*;

#[derive(Default)]
struct Chat;

#[app(cors = Cors::only(&["https://app.example.com:443"]))]
impl Chat {
    #[endpoint("/")]
    async fn chat(&self) {}
}

fn main() {}
