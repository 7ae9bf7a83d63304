use fal_runtime::prelude::*;

struct MyApp;

#[app]
impl MyApp {
    async fn setup(&mut self) -> Result<()> {
        Ok(())
    }

    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
