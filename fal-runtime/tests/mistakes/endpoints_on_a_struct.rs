use fal_runtime::prelude::*;

#[endpoints]
struct MyApp;

fn main() {}
