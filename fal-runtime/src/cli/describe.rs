//! What the command line says of an app.

use crate::Declaration;
use crate::server::ListenAddress;

/// What one bare runner says when it takes requests.
pub(crate) fn serving(app: &Declaration, address: &ListenAddress) -> String {
    format!("{} {} serves on {address}\n", app.settings.name(), app.settings.version())
}
