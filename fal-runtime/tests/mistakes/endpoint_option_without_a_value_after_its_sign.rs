use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/", body_limit = )]
    async fn predict(&self) {}
}

fn main() {}
