use fal_runtime::prelude::*;

struct MyApp;

#[app]
impl MyApp {
    async fn setup() -> Result<Self, String> {
        Ok(Self)
    }

    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
