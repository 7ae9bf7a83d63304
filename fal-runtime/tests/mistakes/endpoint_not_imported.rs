use fal_runtime::app;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/a")]
    async fn a(&self) {}

    #[endpoint("/b")]
    async fn b(&self) {}
}

fn main() {}
