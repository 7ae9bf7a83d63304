use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/", method)]
    async fn predict(&self) {}
}

fn main() {}
