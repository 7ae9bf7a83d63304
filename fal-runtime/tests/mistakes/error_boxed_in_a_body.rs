use fal_runtime::prelude::*;

fn fail() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Err("lost".into())
}

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) -> Result<u32> {
        fail()?;
        Ok(5)
    }
}

fn main() {}
