use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health", healthcheck = HealthCheck)]
    async fn health(&self) {}
}

fn main() {}
