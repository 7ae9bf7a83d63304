use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app(max_multiplexing)]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
