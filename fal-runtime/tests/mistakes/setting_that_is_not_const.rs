use fal_runtime::prelude::*;

fn timeout() -> u32 {
    5
}

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health", health_check = HealthCheck(timeout_seconds = timeout()))]
    async fn health(&self) {}
}

fn main() {}
