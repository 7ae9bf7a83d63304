use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/", body_limits = 1024)]
    async fn predict(&self) {}
}

fn main() {}
