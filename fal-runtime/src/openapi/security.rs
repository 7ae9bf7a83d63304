//! The security schemes of the document, and the requirements of its operations.

use serde_json::{Map, Value};

use crate::extract::{SecurityKind, SecurityScheme};
use crate::json::{add, object};

/// The ways to authenticate that an operation accepts.
#[derive(Debug, Default)]
pub(super) struct Security {
    /// One of these is enough.
    schemes: Vec<SecurityScheme>,
    is_optional: bool,
}

impl Security {
    /// Accepts these, too. `is_optional`: also a request without any.
    pub(super) fn accept(&mut self, schemes: &[SecurityScheme], is_optional: bool) {
        if schemes.is_empty() {
            return;
        }
        self.is_optional = is_optional && (self.is_optional || self.schemes.is_empty());
        for scheme in schemes {
            if !self.schemes.contains(scheme) {
                self.schemes.push(*scheme);
            }
        }
    }

    pub(super) fn schemes(&self) -> &[SecurityScheme] {
        &self.schemes
    }

    /// The value of `security`, if there are schemes: alternatives. The empty one means that no authentication is needed.
    pub(super) fn requirements(&self) -> Option<Value> {
        let alternative =
            |scheme: &SecurityScheme| object([(name(*scheme).as_str(), Vec::<Value>::new().into())]).into();
        let mut alternatives: Vec<Value> = self.schemes.iter().map(alternative).collect();
        if alternatives.is_empty() {
            return None;
        }
        if self.is_optional {
            alternatives.push(Map::new().into());
        }
        Some(alternatives.into())
    }
}

/// The value of `securitySchemes`.
pub(super) fn definitions<'a>(schemes: impl Iterator<Item = &'a SecurityScheme>) -> Map<String, Value> {
    let mut definitions = Map::new();
    for scheme in schemes {
        let definition = match scheme.0 {
            SecurityKind::Http(http) => object([("type", "http".into()), ("scheme", http.into())]),
            SecurityKind::Header(header) => api_key("header", header),
            SecurityKind::Cookie(cookie) => api_key("cookie", cookie),
        };
        add(&mut definitions, &name(*scheme), definition.into());
    }
    definitions
}

fn api_key(part: &str, name: &str) -> Map<String, Value> {
    object([("type", "apiKey".into()), ("in", part.into()), ("name", name.into())])
}

/// The name of a scheme in the document.
fn name(scheme: SecurityScheme) -> String {
    match scheme.0 {
        SecurityKind::Http(name) | SecurityKind::Header(name) => name.to_owned(),
        SecurityKind::Cookie(name) => format!("{name}-cookie"),
    }
}
