use fal_runtime::prelude::*;

struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
