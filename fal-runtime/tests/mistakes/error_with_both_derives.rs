use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    #[api(status = 503)]
    NoModel,
}

impl std::error::Error for Failed {}

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) -> Result<u32, Failed> {
        Err(Failed::NoModel)
    }
}

fn main() {}
