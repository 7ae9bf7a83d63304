use fal_runtime::prelude::*;

const PATH: &str = "/";

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint(PATH)]
    async fn predict(&self) {}
}

fn main() {}
