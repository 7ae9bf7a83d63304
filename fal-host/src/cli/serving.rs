use std::fmt::Write;

use super::HostOptions;
use super::checks::Checks;
use crate::{AppSpec, HostHandle};

/// What is served, as people are told of it when the host takes requests.
#[derive(Clone, Copy, Debug)]
pub struct Serving<'a> {
    /// How people call it.
    pub title: &'a str,
    /// Further lines about it, each with its end; may be empty.
    pub details: &'a str,
    /// What the host knows of it.
    pub app: &'a AppSpec,
}

impl Serving<'_> {
    /// What is served and where, and by which settings health is judged.
    pub(super) fn at(&self, host: &HostHandle, options: &HostOptions) -> String {
        let Self { title, details, app } = self;
        let address = host.address();
        let runners = counted(options.runners.into(), "runner");
        let requests = counted(app.max_multiplexing.get(), "request");
        let checks = Checks {
            spec: app.health_check.as_ref(),
            startup_timeout: app.startup_timeout,
            interval: options.check_interval,
        };
        let mut text = format!(
            "{title} serves on http://{address} with {runners}, {requests} at a time each\n{details}health check\n{checks}"
        );
        if let Some(admin) = host.admin_address() {
            // Writing to a string does not fail.
            let _ = writeln!(text, "runners are shown on http://{admin}/runners");
        }
        text
    }
}

fn counted(count: u32, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
