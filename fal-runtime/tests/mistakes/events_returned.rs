use fal_runtime::prelude::*;

#[derive(Default)]
struct Chat;

#[app]
impl Chat {
    #[endpoint("/")]
    async fn chat(&self) -> Result<Events<String>> {
        todo!()
    }
}

fn main() {}
