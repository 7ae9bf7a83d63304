use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict<T: Send>(&self, _input: Vec<T>) {}
}

fn main() {}
