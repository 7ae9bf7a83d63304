//! Text about an app for the command line.

use std::fmt::{self, Display, Formatter};

use fal_health::protocol::ListenAddress;

use crate::app::Declaration;
use crate::endpoint::Endpoint;

/// The endpoints of an app, one a line, with their methods (S5).
pub(crate) struct Endpoints<'a>(pub(crate) &'a [&'a Endpoint]);

impl Display for Endpoints<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|endpoint| endpoint.path().len()).max().unwrap_or_default();
        for endpoint in self.0 {
            let methods: Vec<_> = endpoint.methods().iter().map(|method| method.as_str()).collect();
            let methods = methods.join(", ");
            let line = format!("  {methods:<9}  {:<width$}  {}", endpoint.path(), endpoint.summary());
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// The banner of `serve`, when the runner takes requests.
pub(crate) fn banner(app: &Declaration, address: &ListenAddress) -> String {
    let (name, version) = (app.settings.name(), app.settings.version());
    let address = match address {
        ListenAddress::Unix(_) => address.to_string(),
        ListenAddress::Tcp { .. } => address.to_string().replacen("tcp:", "http://", 1),
    };
    format!(
        "{name} {version} serves on {address} with one runner and no host\n{}",
        Endpoints(&app.endpoints())
    )
}
