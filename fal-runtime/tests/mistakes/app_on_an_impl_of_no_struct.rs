use fal_runtime::prelude::*;

trait Predict {}

#[app]
impl dyn Predict {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
