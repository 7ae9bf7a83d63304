use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    fn layer(_router: Router) {}

    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
