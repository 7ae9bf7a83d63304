use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/users//orders")]
    async fn orders(&self) {}
}

fn main() {}
