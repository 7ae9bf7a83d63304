use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    #[api(status = 200)]
    Missing,
}

fn main() {}
