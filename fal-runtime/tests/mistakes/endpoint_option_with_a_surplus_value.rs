use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/", idempotent = true)]
    async fn predict(&self) {}
}

fn main() {}
