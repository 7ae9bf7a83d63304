use std::time::Duration;

use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health", health_check = HealthCheck(timeout_seconds = Duration::from_secs(5)))]
    async fn health(&self) {}
}

fn main() {}
