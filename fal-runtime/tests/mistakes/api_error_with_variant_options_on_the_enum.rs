use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
#[api(status = 404)]
enum Failed {
    #[api(status = 404)]
    Missing,
}

fn main() {}
