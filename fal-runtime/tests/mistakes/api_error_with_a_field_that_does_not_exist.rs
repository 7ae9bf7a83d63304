use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    #[api(status = 404, detail = "there is no model {nam}")]
    Missing { name: String },
}

fn main() {}
