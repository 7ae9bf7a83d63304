//! What a host prints when it starts to take requests.

use std::fmt::Write;

use super::health_summary::HealthSummary;
use super::host_options::HostOptions;
use crate::{AppSpec, HostHandle};

/// The text on standard output when a host starts to take requests: what it serves and where, and how it checks
/// runners.
#[derive(Clone, Copy, Debug)]
pub struct Banner<'a> {
    /// The name of the app, and its version if it has one.
    pub title: &'a str,
    /// More lines about the app, each with a line feed; may be empty.
    pub details: &'a str,
    /// The app's settings.
    pub app: &'a AppSpec,
    /// The effective settings as a JSON object, for the admin interface. Empty if there is none.
    pub settings: &'a str,
}

impl Banner<'_> {
    pub(super) fn render(&self, host: &HostHandle, options: &HostOptions) -> String {
        let Self { title, details, app, .. } = self;
        let (scheme, address) = (host.scheme(), host.address());
        let runners = counted(options.runners.into(), "runner");
        let spares = match options.spares {
            0 => String::new(),
            count => format!(" and {}", counted(count.into(), "spare")),
        };
        let requests = counted(app.max_multiplexing.get(), "request");
        let checks = HealthSummary {
            spec: app.health_check.as_ref(),
            startup_timeout: app.startup_timeout,
            interval: options.check_interval,
        };
        let mut text = format!(
            "{title} serves on {scheme}://{address} with {runners}{spares}, {requests} at a time each\n{details}health check\n{checks}"
        );
        if let Some(admin) = host.admin_address() {
            // Writing to a string does not fail.
            let _ = writeln!(text, "runners are shown on http://{admin}/runners");
        }
        if let Some(probes) = host.probes_address() {
            let _ = writeln!(text, "probes are answered on http://{probes}/readyz");
        }
        text
    }
}

/// A number and a noun in the singular or plural.
fn counted(count: u32, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
