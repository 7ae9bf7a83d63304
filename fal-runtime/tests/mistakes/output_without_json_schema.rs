use fal_runtime::prelude::*;

#[derive(Serialize)]
struct Output {
    confidence: f64,
}

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) -> Result<Output> {
        Ok(Output { confidence: 0.5 })
    }
}

fn main() {}
