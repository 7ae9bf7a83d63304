use fal_runtime::{app, endpoint};

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn root(&self, _nothing: ()) {}
}

fn main() {}
