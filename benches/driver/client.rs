//! A client for single requests.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use anyhow::{Context, Result, ensure};
use fal_health::protocol::Address;

/// Sends a POST without a body over a connection of its own, and returns the body of the response, which must be a 200.
pub(crate) fn post(address: &Address, path: &str) -> Result<String> {
    let request =
        format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let mut response = Vec::new();
    match address {
        Address::Tcp(address) => exchange(TcpStream::connect(address)?, &request, &mut response)?,
        Address::Unix(path) => exchange(UnixStream::connect(path)?, &request, &mut response)?,
    }
    let response = String::from_utf8(response)?;
    ensure!(response.starts_with("HTTP/1.1 200"), "not a 200: {response}");
    Ok(response.split_once("\r\n\r\n").context("a response without an end of its head")?.1.to_owned())
}

fn exchange(mut stream: impl Read + Write, request: &str, response: &mut Vec<u8>) -> Result<()> {
    stream.write_all(request.as_bytes())?;
    stream.read_to_end(response)?;
    Ok(())
}
