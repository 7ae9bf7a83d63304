use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health", health_check = HealthCheck)]
    async fn health(&self) {}
}

#[endpoints]
impl MyApp {
    #[endpoint("/alive", health_check = HealthCheck)]
    async fn alive(&self) {}
}

fn main() {}
