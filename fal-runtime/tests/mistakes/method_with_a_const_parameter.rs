use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict<const N: usize>(&self) -> [u8; N] {
        [0; N]
    }
}

fn main() {}
