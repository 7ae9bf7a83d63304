use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/users/{}")]
    async fn predict(&self) {}
}

fn main() {}
