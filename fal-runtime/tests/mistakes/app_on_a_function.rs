use fal_runtime::prelude::*;

#[app]
fn my_app() {}

fn main() {}
