//! Errors that do not implement `std::error::Error`: boxed ones, and those of anyhow and eyre.

use std::io;

use axum::http::Method;
use fal_runtime::prelude::*;

use crate::client::Client;

fn lost() -> io::Error {
    io::Error::other("connection reset")
}

#[derive(Debug)]
struct Reading(io::Error);

impl std::fmt::Display for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("reading the index")
    }
}

impl std::error::Error for Reading {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn boxed() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Err(Reading(lost()).into())
}

fn anyhow() -> anyhow::Result<()> {
    Err(anyhow::Error::from(lost()).context("reading the index"))
}

fn eyre() -> eyre::Result<()> {
    Err(eyre::Report::from(lost()).wrap_err("reading the index"))
}

#[derive(Default)]
struct Foreign;

#[app]
impl Foreign {
    #[endpoint("/boxed")]
    async fn boxed(&self) -> Result<()> {
        boxed().map_err(Error::from_boxed)?;
        Ok(())
    }

    #[endpoint("/anyhow")]
    async fn anyhow(&self) -> Result<()> {
        anyhow().map_err(Error::from_boxed).status(StatusCode::BAD_GATEWAY)?;
        Ok(())
    }
}

#[test]
fn a_foreign_error_is_converted_with_its_causes() {
    for error in [
        boxed().map_err(Error::from_boxed),
        anyhow().map_err(Error::from_boxed),
        eyre().map_err(Error::from_boxed),
    ] {
        assert_eq!(error.unwrap_err().to_string(), "reading the index: connection reset");
    }
    assert_eq!(Error::from_boxed("a text").to_string(), "a text");
}

#[tokio::test]
async fn an_endpoint_fails_with_a_foreign_error() {
    let client = Client::of(Foreign);
    assert_eq!(client.ask(Method::POST, "/boxed").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(client.ask(Method::POST, "/anyhow").await.status, StatusCode::BAD_GATEWAY);
}
