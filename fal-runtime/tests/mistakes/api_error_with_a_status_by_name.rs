use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    #[api(status = StatusCode::NOT_FOUND)]
    Missing,
}

fn main() {}
