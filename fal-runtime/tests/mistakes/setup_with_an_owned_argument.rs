use fal_runtime::prelude::*;

struct MyApp;

#[app]
impl MyApp {
    async fn setup(_cx: Setup) -> Result<Self> {
        Ok(Self)
    }

    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
