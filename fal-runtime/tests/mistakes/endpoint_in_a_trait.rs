use fal_runtime::prelude::*;

trait Predict {
    #[endpoint("/")]
    async fn predict(&self);
}

fn main() {}
