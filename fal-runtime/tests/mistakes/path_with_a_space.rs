use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/two words")]
    async fn predict(&self) {}
}

fn main() {}
