use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("https://example.com/")]
    async fn predict(&self) {}
}

fn main() {}
