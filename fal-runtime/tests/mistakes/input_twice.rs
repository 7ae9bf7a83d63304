use fal_runtime::prelude::*;

#[derive(Deserialize, JsonSchema)]
struct Input {
    text: String,
}

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self, _input: Input, _more: Input) {}
}

fn main() {}
