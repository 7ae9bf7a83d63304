use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app(startup_timeout = 5_000_000_000)]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
