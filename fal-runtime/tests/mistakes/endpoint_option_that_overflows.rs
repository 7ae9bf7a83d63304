use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/", body_limit = 99_999_999_999_999_999_999)]
    async fn predict(&self) {}
}

fn main() {}
