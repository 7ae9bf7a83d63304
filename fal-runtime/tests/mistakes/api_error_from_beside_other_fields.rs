use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    #[api(status = 503)]
    Lost(#[from] std::io::Error, String),
}

fn main() {}
