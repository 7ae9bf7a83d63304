use fal_runtime::prelude::*;

struct Output {
    confidence: f64,
}

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    fn predict(&self) -> Output {
        Output { confidence: 0.5 }
    }
}

fn main() {}
