use fal_runtime::prelude::*;

#[derive(JsonSchema)]
struct Output {
    confidence: f64,
}

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) -> Option<Output> {
        None
    }
}

fn main() {}
