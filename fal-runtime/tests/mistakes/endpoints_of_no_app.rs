use fal_runtime::prelude::*;

struct MyApp;

#[endpoints]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
