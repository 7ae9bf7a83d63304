use fal_runtime::extract::HeaderMap;
use fal_runtime::prelude::*;

#[derive(Default)]
struct MyApp;

#[app]
impl MyApp {
    #[endpoint("/")]
    async fn predict(
        &self,
        _a: HeaderMap,
        _b: HeaderMap,
        _c: HeaderMap,
        _d: HeaderMap,
        _e: HeaderMap,
        _f: HeaderMap,
        _g: HeaderMap,
        _h: HeaderMap,
        _i: HeaderMap,
    ) {
    }
}

fn main() {}
