use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp {
    count: std::cell::Cell<u32>,
}

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
