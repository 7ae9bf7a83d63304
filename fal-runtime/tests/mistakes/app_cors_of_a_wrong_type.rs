use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app(cors = true)]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
