use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/users/{id")]
    async fn predict(&self) {}
}

fn main() {}
