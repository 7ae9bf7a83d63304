#![deny(deprecated)]

use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health", health_check = HealthCheck(start_period_seconds = 60, call_regularly = false))]
    async fn health(&self) {}
}

fn main() {}
