use fal_runtime::prelude::*;

#[app]
enum MyApp {
    Small,
    Large,
}

fn main() {}
