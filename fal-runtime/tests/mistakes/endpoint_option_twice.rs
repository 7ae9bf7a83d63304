use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/", body_limit = 1024, body_limit = 2048)]
    async fn predict(&self) {}
}

fn main() {}
