use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpont("/")]
    async fn predict(&self) {}
}

fn main() {}
