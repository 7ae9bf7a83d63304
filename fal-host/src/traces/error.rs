//! Why no spans can be sent.

use std::io;

/// Why no spans can be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TracesError {
    /// A variable has a value that cannot be used.
    #[error("invalid {name} `{value}`: {expected}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What was expected.
        expected: String,
    },
    /// The exporter refuses its settings.
    #[error(
        "cannot set up the export of spans: {0}; check the variables that begin with OTEL_EXPORTER_OTLP_"
    )]
    Exporter(String),
    /// The system refuses the thread that sends spans.
    #[error("cannot send spans: {0}")]
    Thread(#[source] io::Error),
}
