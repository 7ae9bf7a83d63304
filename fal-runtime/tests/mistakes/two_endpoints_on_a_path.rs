use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/predict")]
    async fn predict(&self) {}

    #[endpoint("/predict")]
    async fn predict_better(&self) {}
}

fn main() {}
