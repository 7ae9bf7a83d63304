use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    #[api(status = "404")]
    Missing,
}

fn main() {}
