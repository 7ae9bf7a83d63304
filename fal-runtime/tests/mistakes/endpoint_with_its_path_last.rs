use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint(health_check = HealthCheck, "/health")]
    async fn predict(&self) {}
}

fn main() {}
