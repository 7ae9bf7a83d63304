use fal_runtime::prelude::*;

#[derive(Deserialize, JsonSchema)]
struct Input<'a> {
    text: &'a str,
}

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self, _input: Input<'_>) {}
}

fn main() {}
