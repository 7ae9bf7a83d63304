use fal_runtime::prelude::*;

#[derive(Deserialize, JsonSchema)]
struct Input {
    _text: String,
}

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/", method = GET)]
    async fn predict(&self, _input: Input) {}
}

fn main() {}
