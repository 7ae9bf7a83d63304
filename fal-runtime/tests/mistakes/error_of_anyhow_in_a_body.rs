use fal_runtime::prelude::*;

fn fail() -> Result<(), anyhow::Error> {
    Err(anyhow::anyhow!("lost"))
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
