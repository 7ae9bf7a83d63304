use fal_runtime::prelude::*;

#[derive(Serialize)]
struct Token {
    text: String,
}

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self, _events: &mut Events<Token>) {}
}

fn main() {}
