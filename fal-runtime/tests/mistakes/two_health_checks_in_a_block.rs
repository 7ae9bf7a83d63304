use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health", health_check = HealthCheck)]
    async fn health(&self) {}

    #[endpoint("/alive", health_check = HealthCheck)]
    async fn alive(&self) {}
}

fn main() {}
