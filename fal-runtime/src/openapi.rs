use serde_json::{Value, json};

use crate::Declaration;

/// The OpenAPI 3.1 document of an app.
pub(crate) fn document(app: &Declaration) -> Value {
    json!({ "openapi": "3.1.0", "info": { "title": app.settings.name(), "version": app.settings.version() } })
}
