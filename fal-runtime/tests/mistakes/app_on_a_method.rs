use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[app]
    async fn other(&self) {}

    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
