use fal_runtime::prelude::*;

#[derive(Debug, ApiError)]
enum Failed<T> {
    #[api(status = 404)]
    Missing(T),
}

fn main() {}
