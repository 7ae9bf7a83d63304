use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    fn layer(&self, router: Router) -> Router {
        router
    }

    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
