use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health", health_check = HealthCheck, body_limit = 1024)]
    async fn health(&self) {}
}

fn main() {}
