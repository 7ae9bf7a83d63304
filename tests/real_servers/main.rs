//! `fal-host` in front of other people's servers, with other people's clients: uvicorn, gunicorn with Django, Node and nginx,
//! driven by curl, Python's httpx and websockets, Node's ws, and Chromium. CONTRIBUTING.md says how to run these tests.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admin_page;
mod browser;
mod docs_page;
mod failures;
mod messages;
mod program;
mod replacements;
mod web_sockets;

use std::env;
use std::path::{Path, PathBuf};

use program::Program;

/// Where the servers and clients are.
fn directory() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/real_servers"))
}

fn client(name: &str) -> PathBuf {
    directory().join("clients").join(name)
}

/// An ASGI app by uvicorn, whose connections are closed after 5 s without a request.
fn uvicorn(options: &[&str]) -> Program {
    let directory = format!("--directory={}", directory().join("servers").display());
    let options = [&[&*directory, "--health=GET:/health", "--max-multiplexing=8"], options].concat();
    // The shell is replaced by uvicorn, which takes no port from its environment.
    let command = "exec uvicorn --port \"$PORT\" --no-access-log asgi:app";
    Program::start(&options, &["sh", "-c", command])
}

/// A Django app by gunicorn, which reads `PORT` itself. Django answers 400 for any other host than this one.
const DJANGO_HOST: &str = "shop.example";

fn gunicorn(options: &[&str]) -> Program {
    let directory = format!("--directory={}", directory().join("servers").display());
    let host = format!("--health-host={DJANGO_HOST}");
    let options = [&[&*directory, &*host, "--health=GET:/health", "--max-multiplexing=8"], options].concat();
    Program::start(&options, &["gunicorn", "--threads=8", "--no-control-socket", "django_app:application"])
}

fn node(options: &[&str]) -> Program {
    let server = directory().join("servers/node.mjs");
    let options = [&["--health=GET:/health", "--max-multiplexing=8"], options].concat();
    Program::start(&options, &["node", server.to_str().unwrap()])
}

/// nginx, with a file of 1 MiB and a place for uploads.
fn nginx(root: &Path, options: &[&str]) -> Program {
    std::fs::create_dir(root.join("files")).unwrap();
    std::fs::write(root.join("files/big"), vec![b'x'; 1 << 20]).unwrap();
    std::fs::write(root.join("files/index.html"), "hello").unwrap();
    let template = directory().join("servers/nginx.conf");
    let command = format!(
        "cd {root} && sed -e \"s/@PORT@/$PORT/g\" -e 's,@ROOT@,{root},g' {template} > nginx-$PORT.conf && \
         exec nginx -p {root} -c nginx-$PORT.conf",
        root = root.display(),
        template = template.display(),
    );
    let options = [&["--health=GET:/health", "--max-multiplexing=8", "--stop-signal=quit"], options].concat();
    Program::start(&options, &["sh", "-c", &command])
}
