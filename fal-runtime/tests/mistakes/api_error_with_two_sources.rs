use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    #[api(status = 503)]
    Lost(#[source] std::io::Error, #[source] std::fmt::Error),
}

fn main() {}
