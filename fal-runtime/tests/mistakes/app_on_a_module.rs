use fal_runtime::prelude::*;

#[app]
mod my_app {
    pub struct MyApp;
}

fn main() {}
