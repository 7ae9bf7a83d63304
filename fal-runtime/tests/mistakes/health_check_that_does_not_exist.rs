use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/health", health_check = NO_SUCH_CHECK)]
    async fn health(&self) {}
}

fn main() {}
