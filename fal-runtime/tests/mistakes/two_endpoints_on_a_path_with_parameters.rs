use fal_runtime::extract::Path;
use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/users/{id}")]
    async fn user(&self, _id: Path<u64>) {}

    #[endpoint("/users/{name}")]
    async fn user_by_name(&self, _name: Path<String>) {}
}

fn main() {}
