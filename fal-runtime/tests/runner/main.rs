//! Runners as real processes, with these tests in the place of the host: they start them as a host does, hold the
//! other end of the control channel, and send requests and signals.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic, and what tests share is no test function"
)]

mod calls;
mod few_threads;
mod fixture;
mod gone;
mod host;
mod setup;
mod stop;
mod switching;

/// Not a test: what a runner's process runs. A host starts its runners with the program that it is itself, and here
/// that is the test binary. It is called on a runtime, as by an `async fn main`.
#[tokio::test]
async fn runner() {
    if let Some(code) = fal_runtime::as_runner() {
        let code = (0..=u8::MAX).find(|number| code == (*number).into()).expect("a code is a byte");
        std::process::exit(code.into());
    }
    if std::env::var_os(host::IS_RUNNER).is_some() {
        println!("mark no runner");
        std::process::exit(0);
    }
}
