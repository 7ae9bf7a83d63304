use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

#[endpoints]
impl MyApp {
    async fn predict_better(&self) {}
}

fn main() {}
