use fal_runtime::prelude::*;

#[derive(Serialize, JsonSchema)]
struct Output {
    text: String,
}

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) -> Result<axum::Json<Output>> {
        Ok(axum::Json(Output { text: String::new() }))
    }
}

fn main() {}
