use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health", health_check = HealthCheck(timeout = 5))]
    async fn health(&self) {}
}

fn main() {}
