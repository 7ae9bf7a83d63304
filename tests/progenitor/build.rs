//! Generates the client from the document that the variable `OPENAPI_DOCUMENT` names.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=OPENAPI_DOCUMENT");
    let document = env::var("OPENAPI_DOCUMENT")?;
    println!("cargo::rerun-if-changed={document}");
    let document = serde_json::from_str(&fs::read_to_string(document)?)?;
    let client = progenitor::Generator::default().generate_tokens(&document)?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("client.rs"), client.to_string())?;
    Ok(())
}
