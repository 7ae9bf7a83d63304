use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    #[api(transparent)]
    Other,
}

fn main() {}
