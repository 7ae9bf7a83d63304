use fal_runtime::prelude::*;

#[app]
struct MyApp;

#[endpoints]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
