use fal_runtime::prelude::*;

struct MyApp;

#[endpoints]
impl Default for MyApp {
    fn default() -> Self {
        Self
    }
}

fn main() {}
