use fal_runtime::prelude::*;

#[derive(Debug)]
struct Failed;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) -> Result<u32, Failed> {
        Err(Failed)
    }
}

fn main() {}
