use fal_runtime::prelude::*;

#[derive(Deserialize, JsonSchema)]
struct Input {
    text: String,
}

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health", health_check = HealthCheck)]
    async fn health(&self, _input: Input) {}
}

fn main() {}
