use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failure {
    #[api(status = 404, detail = "there is no {nam}")]
    Missing { name: String },
}

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) -> Result<String, Failure> {
        Err(Failure::Missing { name: "model".into() })
    }
}

fn main() {}
