use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    Missing,
}

fn main() {}
