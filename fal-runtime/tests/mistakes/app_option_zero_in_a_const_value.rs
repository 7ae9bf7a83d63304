use fal_runtime::prelude::*;

const TIMEOUT: u32 = 0;

#[derive(Default)]
struct MyApp;

#[app(startup_timeout = TIMEOUT)]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
