//! Requests of curl to each server (S45).

use std::process::Command;

use super::program::{Program, output};
use super::{DJANGO_HOST, gunicorn, nginx, node, uvicorn};

/// What curl prints.
fn curl(server: &Program, path: &str, options: &[&str]) -> String {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--max-time", "60"]);
    output(curl.args(options).arg(server.url("http", path)))
}

/// The field by which curl sends an upload in chunks.
const CHUNKED: &str = "transfer-encoding: chunked";

/// Uploads two mebibytes, for which curl waits for `100 Continue`, and streams, over both versions of HTTP.
fn echoes_and_streams(server: &Program, options: &[&str], chunked: Option<&str>) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "0123456789abcdef".repeat((2 << 20) / 16)).unwrap();
    let upload = format!("@{}", file.display());
    for version in ["--http1.0", "--http1.1", "--http2-prior-knowledge"] {
        let options = [&[version], options].concat();
        let posted = curl(server, "/echo", &[&*options, &["--data-binary", &upload]].concat());
        assert!(posted == std::fs::read_to_string(&file).unwrap(), "{version}: {} bytes", posted.len());
        if let ("--http1.1", Some(chunked)) = (version, chunked) {
            let chunked = ["--header", chunked, "--data-binary", &upload];
            assert!(curl(server, "/echo", &[&*options, &chunked].concat()) == posted, "{version}");
        }
        let streamed = curl(server, "/stream", &options);
        assert!(streamed.lines().eq((0..10).map(|number| format!("part {number}"))), "{version}: {streamed}");
        let head = curl(server, "/", &[&*options, &["--head"]].concat());
        assert!(head.to_lowercase().contains("x-fal-request-id: "), "{version}: {head}");
    }
}

#[test]
#[ignore = "needs uvicorn and curl"]
fn curl_and_uvicorn_exchange_bodies_s45() {
    echoes_and_streams(&uvicorn(&[]), &[], Some(CHUNKED));
}

#[test]
#[ignore = "needs Node and curl"]
fn curl_and_node_exchange_bodies_s45() {
    echoes_and_streams(&node(&[]), &[], Some(CHUNKED));
}

#[test]
#[ignore = "needs gunicorn, Django and curl"]
fn curl_and_django_exchange_bodies_and_checks_name_an_allowed_host_s16_s45() {
    let server = gunicorn(&["--failure-threshold=1", "--start-period=0s"]);
    // Django takes a body without a length as an empty one.
    echoes_and_streams(&server, &["--header", &format!("host: {DJANGO_HOST}")], None);
    let refused = curl(&server, "/", &["--no-fail", "--output", "/dev/null", "--write-out", "%{http_code}"]);
    assert_eq!(refused, "400", "Django takes no other host");
    let log = server.stopped();
    assert!(!log.iter().any(|line| line.contains("reason=unhealthy")), "{log:#?}");
}

#[test]
#[ignore = "needs nginx and curl"]
fn curl_reads_files_ranges_and_heads_of_nginx_s45() {
    let root = tempfile::tempdir().unwrap();
    let server = nginx(root.path(), &[]);
    for version in ["--http1.0", "--http1.1", "--http2-prior-knowledge"] {
        assert_eq!(curl(&server, "/", &[version]), "hello");
        assert_eq!(curl(&server, "/big", &[version]).len(), 1 << 20);
        assert_eq!(curl(&server, "/big", &[version, "--range", "10-19"]), "x".repeat(10));
        let head = curl(&server, "/big", &[version, "--head"]).to_lowercase();
        assert!(head.contains("content-length: 1048576"), "{head}");
        let etag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
        let unchanged = format!("if-none-match: {etag}");
        let status = ["--output", "/dev/null", "--write-out", "%{http_code}"];
        assert_eq!(curl(&server, "/big", &[&[version, "--header", &unchanged], &status[..]].concat()), "304");
    }
    server.stopped();
}
