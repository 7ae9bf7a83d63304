use fal_runtime::prelude::*;

#[derive(Deserialize)]
struct Input {
    text: String,
}

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self, _input: Input) {}
}

fn main() {}
