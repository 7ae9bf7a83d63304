use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    fn handle_exit(&self) -> bool {
        true
    }

    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
