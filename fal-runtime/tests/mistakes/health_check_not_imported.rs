use fal_runtime::{app, endpoint};

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health", health_check = HealthCheck)]
    async fn health(&self) {}
}

fn main() {}
