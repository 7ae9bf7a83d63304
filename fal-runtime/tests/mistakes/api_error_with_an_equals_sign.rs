use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    #[api = 404]
    Missing,
}

fn main() {}
