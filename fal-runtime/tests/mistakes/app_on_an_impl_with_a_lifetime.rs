use fal_runtime::prelude::*;

struct MyApp<'a>(&'a str);

#[app]
impl<'a> MyApp<'a> {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
