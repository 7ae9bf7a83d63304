use fal_runtime::prelude::*;

struct MyApp;

fn routes() -> Router {
    fal_runtime::router(MyApp)
}

fn main() {}
