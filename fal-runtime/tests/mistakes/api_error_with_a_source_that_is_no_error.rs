use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    #[api(status = 503)]
    Lost(#[source] u32),
}

fn main() {}
