use fal_runtime::prelude::*;

struct Failed;

fn fail() -> Result<(), Failed> {
    Err(Failed)
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
