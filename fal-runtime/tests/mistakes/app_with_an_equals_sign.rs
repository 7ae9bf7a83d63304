use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app = "my-app"]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
