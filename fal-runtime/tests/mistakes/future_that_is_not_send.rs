use std::rc::Rc;

use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(&self) {
        let count = Rc::new(1);
        pause().await;
        drop(count);
    }
}

async fn pause() {}

fn main() {}
