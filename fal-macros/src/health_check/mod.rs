//! The health check of `#[endpoint(…)]`.

mod parse;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, Path};

use crate::errors::Errors;
use crate::options::{Setting, deduplicate};

/// A health check, as an endpoint declares it.
pub(crate) enum HealthCheck {
    /// `HealthCheck`, `HealthCheck(a = 1, …)`, `HealthCheck { a: 1, .. }` or `HealthCheck<a = 1, ..>`.
    Settings { path: Path, settings: Vec<Setting> },
    /// Any other constant of that type.
    Constant(Expr),
}

impl HealthCheck {
    /// Reports and removes settings that are given twice and those that have another name here.
    pub(crate) fn validate(self, errors: &mut Errors) -> Self {
        match self {
            Self::Settings { path, settings } => {
                let mut settings = deduplicate(settings, errors);
                settings.retain(|Setting { name, .. }| {
                    let message = message_for_foreign_name(&name.to_string());
                    if let Some(message) = &message {
                        errors.push(name, message);
                    }
                    message.is_none()
                });
                Self::Settings { path, settings }
            }
            constant @ Self::Constant(_) => constant,
        }
    }

    /// Writes a constant expression of the type.
    pub(crate) fn expand(&self) -> TokenStream {
        match self {
            Self::Settings { path, settings } if settings.is_empty() => quote!(#path::new()),
            Self::Settings { path, settings } => {
                let is_manual_only = settings
                    .iter()
                    .any(|setting| setting.name == "call_regularly" && setting.has_value("false"));
                let settings = settings.iter().map(|setting| {
                    let is_ignored = is_manual_only
                        && ["failure_threshold", "start_period_seconds"]
                            .iter()
                            .any(|name| setting.name == name);
                    // The function is deprecated: rustc warns at the setting (S4).
                    let warning = is_ignored.then(
                        || quote_spanned!(setting.name.span()=> __fal::ignored_without_regular_calls();),
                    );
                    quote!(#warning #setting)
                });
                quote!({
                    let options = #path::new();
                    #(#settings)*
                    options
                })
            }
            Self::Constant(constant) => constant.to_token_stream(),
        }
    }
}

/// The message for a setting that Docker, Kubernetes or the host calls so. rustc reports every other unknown name (S2); for
/// these it would not find the right one.
fn message_for_foreign_name(name: &str) -> Option<String> {
    let here = match name {
        "timeout" => "timeout_seconds",
        "start_period" | "initial_delay_seconds" => "start_period_seconds",
        "threshold" | "retries" => "failure_threshold",
        "is_periodic" => "call_regularly",
        "interval" | "interval_seconds" | "period_seconds" => {
            return Some(format!("the host sets the interval, with `--check-interval`: remove `{name}`"));
        }
        _ => return None,
    };
    Some(format!("unknown setting `{name}`: write `{here} = …`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(tokens: TokenStream) -> String {
        let mut errors = Errors::default();
        let check = syn::parse2::<HealthCheck>(tokens).expect("the form parses").validate(&mut errors);
        assert!(errors.is_empty());
        check.expand().to_string()
    }

    fn timeout(path: &TokenStream, seconds: &TokenStream) -> String {
        let block = quote!({
            let options = #path::new();
            let options = options.timeout_seconds(#seconds);
            options
        });
        block.to_string()
    }

    fn parse_error(tokens: TokenStream) -> String {
        syn::parse2::<HealthCheck>(tokens).err().expect("the form is rejected").to_string()
    }

    #[test]
    fn every_form_calls_the_same_setters() {
        let setters = quote!({
            let options = HealthCheck::new();
            let options = options.timeout_seconds(5);
            let options = options.call_regularly(false);
            options
        });
        let setters = setters.to_string();
        for form in [
            quote!(HealthCheck(timeout_seconds = 5, call_regularly = false)),
            quote!(HealthCheck(timeout_seconds = 5, call_regularly = false,)),
            quote!(HealthCheck { timeout_seconds: 5, call_regularly: false }),
            quote!(HealthCheck { timeout_seconds: 5, call_regularly: false, .. }),
            quote!(HealthCheck<timeout_seconds = 5, call_regularly = false>),
            quote!(HealthCheck<timeout_seconds = 5, call_regularly = false, ..>),
        ] {
            assert_eq!(expanded(form.clone()), setters, "{form}");
        }
    }

    #[test]
    fn a_form_without_settings_has_the_defaults() {
        let defaults = quote!(HealthCheck::new()).to_string();
        for form in [
            quote!(HealthCheck),
            quote!(HealthCheck()),
            quote!(HealthCheck {}),
            quote!(HealthCheck { .. }),
            quote!(HealthCheck<..>),
            quote!(HealthCheck),
        ] {
            assert_eq!(expanded(form.clone()), defaults, "{form}");
        }
    }

    #[test]
    fn a_value_is_any_expression_that_the_form_can_hold() {
        let seconds = |value| timeout(&quote!(HealthCheck), &value);
        assert_eq!(expanded(quote!(HealthCheck(timeout_seconds = 2 * LIMIT))), seconds(quote!(2 * LIMIT)));
        assert_eq!(
            expanded(quote!(HealthCheck<timeout_seconds = limits::SHORT>)),
            seconds(quote!(limits::SHORT))
        );
        assert_eq!(expanded(quote!(HealthCheck<timeout_seconds = { 1 + 1 }>)), seconds(quote!({ 1 + 1 })));
        assert_eq!(expanded(quote!(HealthCheck { timeout_seconds })), seconds(quote!(timeout_seconds)));
    }

    #[test]
    fn a_path_to_the_type_is_kept_and_other_expressions_are_constants() {
        let path = quote!(fal_runtime::HealthCheck(timeout_seconds = 5));
        assert_eq!(expanded(path), timeout(&quote!(fal_runtime::HealthCheck), &quote!(5)));
        for constant in [quote!(CHECK), quote!(HealthCheck::new().timeout_seconds(5)), quote!(check(1))] {
            assert_eq!(expanded(constant.clone()), constant.to_string());
        }
    }

    #[test]
    fn a_wrong_form_is_rejected_with_the_right_one() {
        for (form, message) in [
            (
                quote!(HealthCheck(timeout_seconds: 5)),
                "unexpected `:` after `timeout_seconds`: write `timeout_seconds = …`",
            ),
            (
                quote!(HealthCheck { timeout_seconds = 5 }),
                "unexpected `=` in braces: write `timeout_seconds: …`",
            ),
            (quote!(HealthCheck(5)), "expected a name: write `name = …`"),
            (quote!(HealthCheck(timeout_seconds)), "missing value: write `timeout_seconds = …`"),
            (quote!(HealthCheck(.., timeout_seconds = 5)), "unexpected setting after `..`: write `..` last"),
        ] {
            assert_eq!(parse_error(form.clone()), message, "{form}");
        }
    }

    #[test]
    fn a_setting_with_the_name_of_another_system_is_rejected_with_its_name_here() {
        let foreign = quote!(HealthCheck(timeout = 5, period_seconds = 10, timeout_seconds = 5));
        let mut errors = Errors::default();
        let check = syn::parse2::<HealthCheck>(foreign).expect("the form parses").validate(&mut errors);
        assert_eq!(check.expand().to_string(), timeout(&quote!(HealthCheck), &quote!(5)));
        let messages = errors.to_token_stream().to_string();
        assert!(messages.contains("unknown setting `timeout`: write `timeout_seconds = …`"), "{messages}");
        assert!(messages.contains("with `--check-interval`: remove `period_seconds`"), "{messages}");
    }

    #[test]
    fn a_setting_given_twice_is_one_error_and_the_first_value_holds() {
        let twice = quote!(HealthCheck(timeout_seconds = 5, timeout_seconds = 6));
        let mut errors = Errors::default();
        let check = syn::parse2::<HealthCheck>(twice).expect("the form parses").validate(&mut errors);
        assert_eq!(check.expand().to_string(), timeout(&quote!(HealthCheck), &quote!(5)));
        let messages = errors.to_token_stream().to_string();
        assert_eq!(messages.matches("compile_error").count(), 1);
        assert!(messages.contains("duplicate option `timeout_seconds`"), "{messages}");
    }
}
