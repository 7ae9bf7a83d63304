use fal_runtime::prelude::*;

struct MyApp;

#[app]
impl Default for MyApp {
    fn default() -> Self {
        Self
    }
}

fn main() {}
