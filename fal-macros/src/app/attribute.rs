//! The options of `#[app(…)]` and `#[endpoints(…)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;

use crate::errors::Errors;
use crate::options::{Setting, deduplicate, parse_settings};

/// The setters of `AppOptions` that are options of `#[app(…)]`. The description comes from the doc comment.
const OPTIONS: [&str; 8] = [
    "name",
    "version",
    "startup_timeout",
    "termination_grace_period",
    "max_multiplexing",
    "request_timeout",
    "body_limit",
    "cors",
];

/// The options of `#[app(…)]` or `#[endpoints(…)]`.
pub(super) struct Options {
    pub(super) settings: Vec<Setting>,
    /// The path by which the user's crate knows `fal_runtime`.
    pub(super) runtime: TokenStream,
}

impl Options {
    pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let parsed = parse_settings.parse2(tokens);
        let settings = errors.ok_or_push(parsed).unwrap_or_default();
        let mut runtime = quote!(::fal_runtime);
        let mut settings = deduplicate(settings, errors);
        settings.retain(|setting| {
            let is_runtime = setting.name == "crate";
            if is_runtime {
                runtime.clone_from(&setting.value);
            }
            !is_runtime
        });
        Self { settings, runtime }
    }

    /// Reports and removes the options that an app does not have. rustc would name a similar one, if there is one, and
    /// list none.
    pub(super) fn reject_unknown(mut self, errors: &mut Errors) -> Self {
        self.settings.retain(|Setting { name, .. }| {
            let is_known = OPTIONS.iter().any(|option| name == option);
            if !is_known {
                let options = OPTIONS.map(|option| format!("`{option}`")).join(", ");
                errors.push(name, format!("unknown option `{name}`: write one of {options}"));
            }
            is_known
        });
        self
    }
}
