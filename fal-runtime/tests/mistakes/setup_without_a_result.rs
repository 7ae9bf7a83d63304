use fal_runtime::prelude::*;

struct MyApp;

#[app]
impl MyApp {
    async fn setup() {}

    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
