use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    async fn teardown(&mut self) {}

    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
