use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/", 1024)]
    async fn predict(&self) {}
}

fn main() {}
