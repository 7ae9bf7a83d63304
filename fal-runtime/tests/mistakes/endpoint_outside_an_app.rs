use fal_runtime::prelude::*;

struct MyApp;

impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
