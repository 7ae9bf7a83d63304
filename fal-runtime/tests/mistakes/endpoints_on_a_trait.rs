use fal_runtime::prelude::*;

#[endpoints]
trait MyApp {
    #[endpoint("/")]
    async fn predict(&self);
}

fn main() {}
