use fal_runtime::Cors;
use fal_runtime::prelude::*;

#[derive(Default)]
struct Chat;

#[app(cors = Cors::only(&["https://App.example.com"]))]
impl Chat {
    #[endpoint("/")]
    async fn chat(&self) {}
}

fn main() {}
