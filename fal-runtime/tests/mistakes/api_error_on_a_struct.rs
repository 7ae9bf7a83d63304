use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
struct Failed;

fn main() {}
