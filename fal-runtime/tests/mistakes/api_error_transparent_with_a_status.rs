use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    #[api(transparent, status = 500)]
    Other(Error),
}

fn main() {}
