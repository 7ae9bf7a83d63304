use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app(crate = fal)]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
