use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    async fn layer(router: Router) -> Router {
        router
    }

    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
