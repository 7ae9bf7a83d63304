use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp {
    count: std::rc::Rc<u32>,
}

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

fn main() {}
