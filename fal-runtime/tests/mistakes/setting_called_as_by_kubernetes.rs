use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health", health_check = HealthCheck(period_seconds = 10))]
    async fn health(&self) {}
}

fn main() {}
