use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/", method = "GET")]
    async fn predict(&self) {}
}

fn main() {}
