use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/search?query={text}")]
    async fn predict(&self) {}
}

fn main() {}
