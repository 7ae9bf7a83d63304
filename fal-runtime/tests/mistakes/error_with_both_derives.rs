use fal_runtime::prelude::*;

// An error becomes a `fal_runtime::Error` in one way: by this derive, or because it is a `std::error::Error`.
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
