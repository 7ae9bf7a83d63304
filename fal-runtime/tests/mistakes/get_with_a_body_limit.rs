use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/", method = GET, body_limit = 100)]
    async fn predict(&self) {}
}

fn main() {}
