use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    #[api(status = 404, message = "there is no such model")]
    Missing,
}

fn main() {}
