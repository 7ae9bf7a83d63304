//! The command line of a host. The program `fal-host`, which runs any server, shares it with the subcommand `run` of
//! programs that declare apps.
//!
//! To write your own program, flatten [`HostOptions`] (a `clap::Args`) into its options and call [`run`] at the end of
//! `main`.

mod app_spec_options;
mod banner;
mod byte_size;
#[cfg(test)]
mod captured;
mod control_socket_options;
mod control_sockets;
mod deployed_options;
mod escape;
mod failure;
mod foreign_sockets;
mod health_summary;
mod hook;
mod host_options;
mod inherited;
mod inherited_sockets;
mod json_format;
mod launch_options;
mod log_filter;
mod log_options;
mod log_origin;
mod logging;
mod non_blocking_writer;
mod notify_socket;
mod operate;
mod passed_descriptors;
mod pid_file;
mod program;
mod run;
mod runtime;
mod secrets;
mod service_manager;
mod settings;
mod signals;
mod standard_stream;
mod stop;
mod terminal_format;
#[cfg(feature = "tls")]
mod tls_options;
mod upgrade;
mod values;

pub use self::banner::Banner;
pub use self::failure::Failure;
pub use self::host_options::HostOptions;
pub use self::operate::{OperateError, Operation, Target, check};
pub use self::program::{command, main};
pub use self::run::{program_path, run};

#[cfg(test)]
mod tests;
