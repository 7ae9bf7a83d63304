use fal_runtime::prelude::*;

#[app]
trait MyApp {
    #[endpoint("/")]
    async fn predict(&self);
}

fn main() {}
