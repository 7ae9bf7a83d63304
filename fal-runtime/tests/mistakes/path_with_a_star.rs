use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/files/*rest")]
    async fn predict(&self) {}
}

fn main() {}
