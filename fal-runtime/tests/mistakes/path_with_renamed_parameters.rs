use fal_runtime::extract::Path;
use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/users/{id}", method = GET)]
    async fn user(&self, Path(_id): Path<u32>) {}

    #[endpoint("/users/{user}", method = DELETE)]
    async fn delete(&self, Path(_user): Path<u32>) {}
}

fn main() {}
