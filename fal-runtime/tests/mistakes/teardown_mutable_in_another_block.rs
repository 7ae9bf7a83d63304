use fal_runtime::prelude::*;

#[app]
#[derive(Default)]
struct MyApp;

#[endpoints]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}

    async fn teardown(&mut self) {}
}

fn main() {}
