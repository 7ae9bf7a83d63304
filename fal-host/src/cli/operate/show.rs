//! Prints a page of the host as it is.

use std::io::{self, Write};
use std::process::ExitCode;

use super::client::{block_on, get};
use super::error::OperateError;
use super::target::Target;

/// Prints a page, piece by piece as it arrives.
pub(super) fn page(target: &Target, page: &str) -> Result<ExitCode, OperateError> {
    block_on(async {
        let mut response = get(target, page).await?.or_refused(&[]).await?;
        while let Some(piece) = response.piece().await? {
            if !print(&piece)? {
                return Ok(ExitCode::SUCCESS);
            }
        }
        if ["/runners", "/config"].contains(&page) {
            print(b"\n")?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Prints to standard output. Returns false when it is closed (`| head`), which counts as a success.
pub(super) fn print(text: &[u8]) -> Result<bool, OperateError> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}
