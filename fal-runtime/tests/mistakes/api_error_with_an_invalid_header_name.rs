//! A header name with a space.

use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    #[api(status = 429, header("Retry After", "1"))]
    Busy,
}

fn main() {}
