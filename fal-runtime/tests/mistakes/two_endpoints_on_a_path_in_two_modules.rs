use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {}
}

mod more {
    use fal_runtime::prelude::*;

    #[endpoints]
    impl super::MyApp {
        #[endpoint("/")]
        async fn predict_better(&self) {}
    }
}

fn main() {}
