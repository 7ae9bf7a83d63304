use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/users/{id}")]
    async fn user(&self, _id: u64) {}
}

fn main() {}
