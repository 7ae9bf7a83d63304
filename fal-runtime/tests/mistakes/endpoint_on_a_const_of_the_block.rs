use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    const PATHS: usize = 1;

    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
