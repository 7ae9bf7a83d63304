use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    async fn predict(&self) {}
}

fn main() {}
