//! The source code of the two programs. `@` stands for the number of an endpoint.

use std::path::Path;

/// A program in one file.
pub(crate) struct Program {
    pub(crate) dependencies: String,
    pub(crate) source: String,
}

/// So many endpoints as an app of fal-runtime. Without the host: plain axum has no host either.
pub(crate) fn here(root: &Path, endpoints: usize) -> Program {
    let runtime = root.join("fal-runtime").canonicalize().unwrap();
    let runtime = runtime.display();
    let dependencies = format!(
        "{DEPENDENCIES}schemars = \"1\"\n\
         fal-runtime = {{ path = '{runtime}', default-features = false, features = [\"garde\"] }}\n"
    );
    let types = repeat(TYPES, endpoints).replace("derive(", "derive(JsonSchema, ");
    let source = [HERE_BEGINS, &repeat(HERE, endpoints), HERE_ENDS, MAIN, &types].concat();
    Program { dependencies, source }
}

/// The same endpoints as handlers of axum's, in the way its documentation shows.
pub(crate) fn axum(endpoints: usize) -> Program {
    let repeat = |template| repeat(template, endpoints);
    let source = [AXUM_BEGINS, &repeat(AXUM_ROUTE), AXUM_ENDS, &repeat(AXUM), MAIN, &repeat(TYPES)].concat();
    Program { dependencies: DEPENDENCIES.to_owned(), source }
}

fn repeat(template: &str, endpoints: usize) -> String {
    (0..endpoints).map(|number| template.replace('@', &number.to_string())).collect()
}

const DEPENDENCIES: &str = r#"
axum = { version = "0.8", default-features = false, features = ["http1", "json", "tokio"] }
serde = { version = "1", features = ["derive"] }
tokio = { version = "1", features = ["macros", "net", "rt-multi-thread"] }
"#;

/// No two of them are alike: LLVM would make one function of what is the same for both.
const TYPES: &str = r"
#[derive(Deserialize)]
struct Input@ {
    text_@: String,
    count_@: u32,
    ratio_@: Option<f64>,
    tags_@: Vec<String>,
}

#[derive(Serialize)]
struct Output@ {
    text_@: String,
    total_@: u32,
    parts_@: Vec<f64>,
}
";

/// Both programs start alike, so their costs differ by the endpoints alone.
const MAIN: &str = r#"
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    axum::serve(listener, router(Sums { offset: 0 })).await?;
    Ok(())
}
"#;

const HERE_BEGINS: &str = r"
use fal_runtime::prelude::*;

fn router(sums: Sums) -> axum::Router {
    fal_runtime::router(sums)
}

#[derive(Default)]
struct Sums {
    offset: u32,
}

#[app]
impl Sums {
";

const HERE: &str = r#"
    #[endpoint("/sums/@")]
    async fn sum_@(&self, input: Input@) -> Result<Output@> {
        let number: u32 = input.text_@.parse()?;
        let parts = vec![input.ratio_@.unwrap_or(1.0); input.tags_@.len()];
        let total = self.offset + number * input.count_@;
        Ok(Output@ { text_@: input.text_@, total_@: total, parts_@: parts })
    }
"#;

const HERE_ENDS: &str = "}\n";

const AXUM_BEGINS: &str = r#"
use std::error::Error;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

struct Sums {
    offset: u32,
}

struct Failure(Box<dyn Error + Send + Sync>);

impl<E: Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        eprintln!("{}", self.0);
        (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response()
    }
}

fn router(sums: Sums) -> Router {
    Router::new()
"#;

const AXUM_ROUTE: &str = "        .route(\"/sums/@\", post(sum_@))\n";

const AXUM_ENDS: &str = "        .with_state(Arc::new(sums))\n}\n";

const AXUM: &str = r"
async fn sum_@(
    State(sums): State<Arc<Sums>>,
    Json(input): Json<Input@>,
) -> Result<Json<Output@>, Failure> {
    let number: u32 = input.text_@.parse()?;
    let parts = vec![input.ratio_@.unwrap_or(1.0); input.tags_@.len()];
    let total = sums.offset + number * input.count_@;
    Ok(Json(Output@ { text_@: input.text_@, total_@: total, parts_@: parts }))
}
";
