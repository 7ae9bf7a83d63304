use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    #[api(detail = "there is no such model")]
    Missing,
}

fn main() {}
