//! The health check settings of `#[endpoint(…)]`, in each of their forms.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::{Block, Expr, Lit, Path, Token, braced, parenthesized, token};

use crate::mistakes::Mistakes;
use crate::options::{Setting, comma, name, once_each};

/// The settings of a health check, in any of their forms.
pub(crate) enum HealthCheck {
    /// `HealthCheck`, `HealthCheck(a = 1, …)`, `HealthCheck { a: 1, .. }`, `HealthCheck<a = 1, ..>`.
    Settings { path: Path, settings: Vec<Setting> },
    /// Any other constant of that type.
    Constant(Expr),
}

impl HealthCheck {
    /// Whether the name of the type comes next: all forms but the constant begin with it.
    pub(crate) fn is_next(input: ParseStream<'_>) -> bool {
        named(input).is_some()
    }

    /// Reports settings that are given twice, and those that have another name here.
    pub(crate) fn check(self, mistakes: &mut Mistakes) -> Self {
        match self {
            Self::Settings { path, settings } => {
                let mut settings = once_each(settings, mistakes);
                settings.retain(|Setting { name, .. }| {
                    let told = told_of(&name.to_string());
                    if let Some(told) = &told {
                        mistakes.at(name, told);
                    }
                    told.is_none()
                });
                Self::Settings { path, settings }
            }
            constant @ Self::Constant(_) => constant,
        }
    }

    /// A constant of that type.
    pub(crate) fn expand(&self) -> TokenStream {
        match self {
            Self::Settings { path, settings } if settings.is_empty() => quote!(#path::new()),
            Self::Settings { path, settings } => {
                let is_only_on_request =
                    settings.iter().any(|setting| setting.name == "call_regularly" && setting.is("false"));
                let settings = settings.iter().map(|setting| {
                    let is_ignored = is_only_on_request
                        && ["failure_threshold", "start_period_seconds"]
                            .iter()
                            .any(|name| setting.name == name);
                    // Deprecated: rustc warns at the setting (S4).
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

impl Parse for HealthCheck {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let Some(path) = named(input) else {
            let constant = input.parse()?;
            return if is_constant(&constant) {
                Ok(Self::Constant(constant))
            } else {
                Err(syn::Error::new_spanned(
                    constant,
                    "write `HealthCheck(…)` here, or a constant of that type",
                ))
            };
        };
        Path::parse_mod_style(input)?;
        let settings = if input.peek(token::Paren) {
            let content;
            parenthesized!(content in input);
            list(&content, Setting::parse, End::Group)?
        } else if input.peek(token::Brace) {
            let content;
            braced!(content in input);
            list(&content, field, End::Group)?
        } else if input.peek(Token![<]) {
            input.parse::<Token![<]>()?;
            let settings = list(input, generic, End::Angle)?;
            input.parse::<Token![>]>()?;
            settings
        } else if input.peek(token::Bracket) {
            return Err(input.error("write the settings in parentheses: `HealthCheck(name = …)`"));
        } else {
            Vec::new()
        };
        Ok(Self::Settings { path, settings })
    }
}

/// What is said of a setting that is called so elsewhere (by Docker, by Kubernetes, by what reads it): rustc knows only
/// that there is no such method, or that it reads a setting and does not take one. All other names are rustc's (S2).
fn told_of(name: &str) -> Option<String> {
    let here = match name {
        "timeout" => "timeout_seconds",
        "start_period" | "initial_delay_seconds" => "start_period_seconds",
        "threshold" | "retries" => "failure_threshold",
        "is_periodic" => "call_regularly",
        "interval" | "interval_seconds" | "period_seconds" => {
            return Some(format!(
                "how often it is called is the host's to say, by `--check-interval`: take `{name}` away"
            ));
        }
        _ => return None,
    };
    Some(format!("a health check has no `{name}`: write `{here} = …`"))
}

/// Whether an expression can be a constant of the type: no literal can, nor can settings in what is not called after
/// it, nor a type.
fn is_constant(expression: &Expr) -> bool {
    let is_setting = |argument: &Expr| matches!(argument, Expr::Assign(_));
    match expression {
        Expr::Lit(_) => false,
        Expr::Call(call) => !call.args.iter().any(is_setting),
        Expr::Path(path) => path.path.segments.last().is_none_or(|name| name.arguments.is_none()),
        _ => true,
    }
}

/// The path that comes next, if it is one that ends in `HealthCheck`.
fn named(input: ParseStream<'_>) -> Option<Path> {
    let path = input.fork().call(Path::parse_mod_style).ok()?;
    (path.segments.last()?.ident == "HealthCheck").then_some(path)
}

/// Where a list of settings ends.
#[derive(Clone, Copy)]
enum End {
    Group,
    Angle,
}

/// Settings up to the end, or to `..`, which says that the others have their defaults; so does its absence.
fn list(
    input: ParseStream<'_>,
    setting: fn(ParseStream<'_>) -> syn::Result<Setting>,
    end: End,
) -> syn::Result<Vec<Setting>> {
    let is_end = |input: ParseStream<'_>| match end {
        End::Group => input.is_empty(),
        End::Angle => input.peek(Token![>]),
    };
    let mut settings = Vec::new();
    while !is_end(input) {
        if input.peek(Token![..]) {
            input.parse::<Token![..]>()?;
            if !is_end(input) {
                return Err(
                    input.error("nothing follows `..`: write it last, for the defaults of the others")
                );
            }
        } else {
            settings.push(setting(input)?);
            match end {
                End::Group => comma(input)?,
                End::Angle if is_end(input) => {}
                End::Angle if input.is_empty() => {
                    return Err(input.error("write `>` after the last setting"));
                }
                End::Angle if input.peek(Token![,]) => {
                    input.parse::<Token![,]>()?;
                }
                End::Angle => {
                    return Err(
                        input.error("between angle brackets write a value like this in braces: `{ … }`")
                    );
                }
            }
        }
    }
    Ok(settings)
}

/// `a: 1`, or `a` for a constant of that name.
fn field(input: ParseStream<'_>) -> syn::Result<Setting> {
    let name = name(input)?;
    if input.peek(Token![=]) {
        return Err(input.error(format!("in braces write `{name}: …`")));
    }
    let value = if input.peek(Token![:]) {
        input.parse::<Token![:]>()?;
        input.parse::<Expr>()?.into_token_stream()
    } else {
        name.to_token_stream()
    };
    Ok(Setting { name, value })
}

/// `a = 1` between angle brackets, where a value is a literal, a path or a block.
fn generic(input: ParseStream<'_>) -> syn::Result<Setting> {
    let name = name(input)?;
    if !input.peek(Token![=]) {
        return Err(input.error(format!("between angle brackets write `{name} = …`")));
    }
    input.parse::<Token![=]>()?;
    let value = if input.peek(token::Brace) {
        input.parse::<Block>()?.into_token_stream()
    } else if input.peek(Lit) || input.peek(Token![-]) {
        let minus: Option<Token![-]> = input.parse()?;
        let literal: Lit = input.parse()?;
        quote!(#minus #literal)
    } else {
        input.call(Path::parse_mod_style)?.into_token_stream()
    };
    Ok(Setting { name, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(tokens: TokenStream) -> String {
        let mut mistakes = Mistakes::default();
        let check = syn::parse2::<HealthCheck>(tokens).expect("it parses").check(&mut mistakes);
        assert!(mistakes.is_empty());
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

    fn refused(tokens: TokenStream) -> String {
        syn::parse2::<HealthCheck>(tokens).err().expect("it is refused").to_string()
    }

    #[test]
    fn every_form_with_settings_means_the_same_setters() {
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
    fn a_form_without_settings_means_the_defaults() {
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
    fn values_are_any_expression_where_rust_can_read_one() {
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
    fn a_wrong_spelling_is_told_the_right_one() {
        for (form, told) in [
            (quote!(HealthCheck(timeout_seconds: 5)), "write `timeout_seconds = …`"),
            (quote!(HealthCheck { timeout_seconds = 5 }), "in braces write `timeout_seconds: …`"),
            (quote!(HealthCheck(5)), "a setting has a name: write `name = …`"),
            (
                quote!(HealthCheck(timeout_seconds)),
                "`timeout_seconds` needs a value: write `timeout_seconds = …`",
            ),
            (
                quote!(HealthCheck(.., timeout_seconds = 5)),
                "nothing follows `..`: write it last, for the defaults of the others",
            ),
        ] {
            assert_eq!(refused(form.clone()), told, "{form}");
        }
    }

    #[test]
    fn a_setting_that_is_called_otherwise_elsewhere_is_told_its_name_here_and_taken_away() {
        let elsewhere = quote!(HealthCheck(timeout = 5, period_seconds = 10, timeout_seconds = 5));
        let mut mistakes = Mistakes::default();
        let check = syn::parse2::<HealthCheck>(elsewhere).expect("it parses").check(&mut mistakes);
        assert_eq!(check.expand().to_string(), timeout(&quote!(HealthCheck), &quote!(5)));
        let told = mistakes.to_token_stream().to_string();
        assert!(told.contains("a health check has no `timeout`: write `timeout_seconds = …`"), "{told}");
        assert!(told.contains("by `--check-interval`: take `period_seconds` away"), "{told}");
    }

    #[test]
    fn a_setting_given_twice_is_one_mistake_and_counts_once() {
        let twice = quote!(HealthCheck(timeout_seconds = 5, timeout_seconds = 6));
        let mut mistakes = Mistakes::default();
        let check = syn::parse2::<HealthCheck>(twice).expect("it parses").check(&mut mistakes);
        assert_eq!(check.expand().to_string(), timeout(&quote!(HealthCheck), &quote!(5)));
        let told = mistakes.to_token_stream().to_string();
        assert_eq!(told.matches("compile_error").count(), 1);
        assert!(told.contains("`timeout_seconds` is given twice"), "{told}");
    }
}
