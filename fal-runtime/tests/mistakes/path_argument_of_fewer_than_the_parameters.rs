use fal_runtime::extract::Path;
use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/users/{id}/posts/{post}")]
    async fn user(&self, _id: Path<u64>) {}
}

fn main() {}
