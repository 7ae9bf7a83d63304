use fal_runtime::prelude::*;

struct MyApp<M>(M);

#[app]
impl<M> MyApp<M> {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
