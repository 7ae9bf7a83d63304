use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app(body_limit = "2 MiB")]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
