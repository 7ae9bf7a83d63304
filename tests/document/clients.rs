//! Generates clients from the document, compiles them, and lets them call the app.

use std::path::{Path, PathBuf};
use std::process::Command;

use fal_runtime::App;
use tempfile::TempDir;

use super::everything::Everything;
use super::served::Served;
use super::tools::pass;

/// A directory for one generated client, with the document and the callers.
struct Workspace {
    directory: TempDir,
}

impl Workspace {
    /// In the directory where npm has installed the tools, since Node.js looks for packages in the directories above a file.
    fn new(callers: &[&str]) -> Self {
        let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("client-tools");
        let directory = tempfile::tempdir_in(&tools).unwrap_or_else(|error| {
            panic!("{}: {error}; CONTRIBUTING.md says how to install the tools", tools.display())
        });
        let document = Everything::declaration().openapi().to_string();
        std::fs::write(directory.path().join("openapi.json"), document).unwrap();
        for caller in callers {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("document/clients").join(caller);
            std::fs::copy(source, directory.path().join(caller)).unwrap();
        }
        Self { directory }
    }

    fn run(&self, program: impl Into<PathBuf>, arguments: &[&str]) {
        pass(Command::new(program.into()).args(arguments).current_dir(self.directory.path()));
    }

    /// Runs a tool that npm has installed.
    fn run_node_tool(&self, tool: &str, arguments: &[&str]) {
        self.run(self.directory.path().join("../node_modules/.bin").join(tool), arguments);
    }

    /// Compiles a caller with all checks, and runs it.
    fn compile_and_call(&self, caller: &str) {
        self.run_node_tool("tsc", &["--project", "tsconfig.json"]);
        let app = Served::app(Everything);
        self.run("node", &[&format!("built/{caller}.js"), &format!("http://{}", app.address())]);
    }
}

#[test]
#[ignore = "needs packages from npm in target/client-tools"]
fn types_of_openapi_typescript_compile_and_call_the_app() {
    let workspace = Workspace::new(&["fetch.ts", "equal.ts", "tsconfig.json"]);
    workspace.run_node_tool(
        "openapi-typescript",
        &["openapi.json", "--default-non-nullable", "false", "--output", "types.ts"],
    );
    workspace.compile_and_call("fetch");
}

#[test]
#[ignore = "needs packages from npm in target/client-tools"]
fn functions_of_hey_api_compile_and_call_the_app() {
    let workspace = Workspace::new(&["sdk.ts", "equal.ts", "openapi-ts.config.mjs", "tsconfig.json"]);
    workspace.run_node_tool("openapi-ts", &["--file", "openapi-ts.config.mjs"]);
    workspace.compile_and_call("sdk");
}

#[test]
#[ignore = "needs packages from PyPI on the path, and target/client-tools"]
fn packages_of_openapi_python_client_and_datamodel_code_generator_call_the_app() {
    let workspace = Workspace::new(&["client.py"]);
    let package = ["--meta", "none", "--output-path", "everything_client"];
    workspace.run(
        "openapi-python-client",
        &[&["generate", "--path", "openapi.json"], package.as_slice()].concat(),
    );
    let models = ["--output", "models", "--output-model-type", "pydantic_v2.BaseModel"];
    workspace.run("datamodel-codegen", &[&["--input", "openapi.json"], models.as_slice()].concat());
    let app = Served::app(Everything);
    workspace.run("python3", &["client.py", &format!("http://{}", app.address())]);
}

#[test]
#[ignore = "needs packages from npm in target/client-tools"]
fn redocly_finds_no_error_in_the_document() {
    let workspace = Workspace::new(&[]);
    workspace.run_node_tool("redocly", &["lint", "openapi.json", "--extends", "spec"]);
}

/// progenitor reads OpenAPI 3.0, and neither parameters that are cookies nor form data.
#[test]
#[ignore = "builds a crate with the packages of crates.io"]
fn a_crate_of_progenitor_compiles_and_calls_the_app() {
    let mut document = Everything::declaration().openapi_3_0();
    let paths = document["paths"].as_object_mut().unwrap();
    paths.remove("/visit");
    paths.remove("/upload");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("progenitor");
    std::fs::create_dir_all(&target).unwrap();
    let file = target.join("openapi.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let app = Served::app(Everything);
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--locked", "--manifest-path"]);
    cargo.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("progenitor/Cargo.toml"));
    cargo.arg(format!("http://{}", app.address())).env("OPENAPI_DOCUMENT", file);
    pass(cargo.env("CARGO_TARGET_DIR", target).env("CARGO_PROFILE_DEV_DEBUG", "0"));
}
