use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app(startup_timeout = -1)]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
