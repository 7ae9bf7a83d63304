use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[ap]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
