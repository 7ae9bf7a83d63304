use fal_runtime::prelude::*;

#[app]
#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
