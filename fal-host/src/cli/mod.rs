//! What command lines of hosts have in common: this crate's own program, `fal-host`, which runs any server, and the
//! `run` of programs that declare apps.
//!
//! A program of one's own takes [`HostOptions`] among its options (they are a `clap::Args`), and ends with [`run`].

mod app;
mod checks;
mod failure;
mod logging;
mod options;
mod program;
mod run;
mod serving;
mod signals;
mod unblocked;
mod values;

pub use self::failure::Failure;
pub use self::options::HostOptions;
pub use self::program::main;
pub use self::run::run;
pub use self::serving::Serving;

#[cfg(test)]
mod tests;
