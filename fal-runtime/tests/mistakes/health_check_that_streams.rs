use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health", health_check = HealthCheck)]
    async fn health(&self, _events: &mut Events<u32>) {}
}

fn main() {}
