use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

#[endpoints(max_multiplexing = 4)]
impl MyApp {
    #[endpoint("/better")]
    async fn predict_better(&self) {}
}

fn main() {}
