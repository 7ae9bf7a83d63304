use fal_runtime::prelude::*;

const THRESHOLD: u32 = 0;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health", health_check = HealthCheck(failure_threshold = THRESHOLD))]
    async fn health(&self) {}
}

fn main() {}
