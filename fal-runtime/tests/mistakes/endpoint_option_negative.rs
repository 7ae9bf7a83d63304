use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/", body_limit = -1)]
    async fn predict(&self) {}
}

fn main() {}
