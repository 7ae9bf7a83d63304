use fal_runtime::extract::Path;
use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health/{part}", health_check = HealthCheck)]
    async fn health(&self, _part: Path<String>) {}
}

fn main() {}
