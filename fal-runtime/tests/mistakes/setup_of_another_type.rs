use fal_runtime::prelude::*;

struct MyApp;

#[app]
impl MyApp {
    async fn setup() -> Result<u32> {
        Ok(5)
    }

    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
