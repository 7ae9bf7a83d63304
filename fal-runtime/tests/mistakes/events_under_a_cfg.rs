use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self, #[cfg(unix)] _events: &mut Events<u32>) {}
}

fn main() {}
