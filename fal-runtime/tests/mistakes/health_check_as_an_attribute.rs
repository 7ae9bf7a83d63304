use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[health_check(timeout_seconds = 5)]
    #[endpoint("/health")]
    async fn health(&self) {}
}

fn main() {}
