use fal_runtime::prelude::*;

#[endpoint("/")]
async fn predict() {}

fn main() {}
