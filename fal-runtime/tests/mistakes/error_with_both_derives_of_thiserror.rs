use fal_runtime::prelude::*;

#[derive(Debug, thiserror::Error, ApiError)]
enum Failed {
    #[error("no model")]
    #[api(status = 503)]
    NoModel,
}

fn main() {}
