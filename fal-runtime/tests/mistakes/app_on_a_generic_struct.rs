use fal_runtime::prelude::*;

#[app]
struct MyApp<M> {
    model: M,
}

fn main() {}
