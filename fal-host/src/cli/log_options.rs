//! The options of the log.

use clap::Args;

use super::values::{self, LogFormatOption};

/// The options of the log.
#[derive(Debug, Args)]
pub(super) struct LogOptions {
    /// The form of the log on standard error
    ///
    /// `text`: lines for people. `json`: one object a line, for programs. What a runner prints becomes `message`; a line that is
    /// itself a JSON object keeps its fields.
    #[arg(long, value_name = "FORMAT", env = "FAL_LOG_FORMAT", default_value = "text")]
    pub(super) log_format: LogFormatOption,

    /// Print only warnings and errors of the host, and what runners print
    ///
    /// `FAL_LOG` overrides this. The environment variable takes `true` or `false`.
    #[arg(long, env = "FAL_QUIET", value_parser = values::boolean)]
    pub(super) quiet: bool,

    /// Log a line for each request
    ///
    /// Client, path without query, endpoint, status, times, runner, request id and outcome. The environment variable takes `true`
    /// or `false`.
    #[arg(long, env = "FAL_ACCESS_LOG", value_parser = values::boolean)]
    pub(super) access_log: bool,
}
