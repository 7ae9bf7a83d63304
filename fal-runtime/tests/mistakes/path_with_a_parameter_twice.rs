use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/{id}/{id}")]
    async fn predict(&self) {}
}

fn main() {}
