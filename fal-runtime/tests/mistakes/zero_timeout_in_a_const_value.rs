use fal_runtime::prelude::*;

const TIMEOUT: u32 = 0;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health", health_check = HealthCheck(timeout_seconds = TIMEOUT))]
    async fn health(&self) {}
}

fn main() {}
