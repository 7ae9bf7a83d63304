use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

#[app]
impl MyApp {
    #[endpoint("/better")]
    async fn predict_better(&self) {}
}

fn main() {}
