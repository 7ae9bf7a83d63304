use fal_runtime::prelude::*;

#[derive(Deserialize, JsonSchema)]
struct Input {
    text: String,
    #[serde(skip)]
    #[schemars(skip)]
    parsed: std::marker::PhantomData<*const u8>,
}

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self, _input: Input) {}
}

fn main() {}
