use fal_runtime::prelude::*;

const CHECK: HealthCheck = HealthCheck::new().timeout_seconds(0);

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health", health_check = CHECK)]
    async fn health(&self) {}
}

fn main() {}
