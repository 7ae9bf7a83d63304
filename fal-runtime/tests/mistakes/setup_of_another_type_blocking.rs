use fal_runtime::prelude::*;

struct MyApp;

#[app]
impl MyApp {
    fn setup() -> String {
        String::new()
    }

    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
