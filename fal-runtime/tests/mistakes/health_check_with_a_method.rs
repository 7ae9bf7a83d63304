use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/", health_check = HealthCheck, method = GET)]
    async fn predict(&self) {}
}

fn main() {}
