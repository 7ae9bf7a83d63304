use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("predict")]
    async fn predict(&self) {}
}

fn main() {}
