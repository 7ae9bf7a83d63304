use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    #[api(status = 404, status = 503)]
    Missing,
}

fn main() {}
