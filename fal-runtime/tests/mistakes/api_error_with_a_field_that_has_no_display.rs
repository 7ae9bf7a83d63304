use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed {
    #[api(status = 404, detail = "there are no models {names}")]
    Missing { names: Vec<String> },
}

fn main() {}
