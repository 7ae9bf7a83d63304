use fal_runtime::prelude::*;

struct MyApp;

#[endpoint("/")]
impl MyApp {
    async fn predict(&self) {}
}

fn main() {}
