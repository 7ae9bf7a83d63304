//! Parses what stands in the parentheses of `#[endpoint(…)]`.

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Ident, LitStr, Meta, Token};

use crate::health_check::HealthCheck;
use crate::options::{Setting, comma};

/// The option of the attribute that makes an endpoint the health check.
pub(crate) struct HealthCheckOption {
    pub(crate) place: Span,
    pub(crate) check: HealthCheck,
}

const BEGINS: &str = "an endpoint begins with its path: write `#[endpoint(\"/path\")]`";
const OPTIONS: &str = "write `health_check = …` or `body_limit = …`";

/// What stands in the parentheses of `#[endpoint(…)]`.
pub(super) struct Arguments {
    pub(super) path: LitStr,
    pub(super) health_check: Option<HealthCheckOption>,
    pub(super) body_limit: Option<Setting>,
}

impl Arguments {
    pub(super) fn of(attribute: &Attribute) -> syn::Result<Self> {
        match &attribute.meta {
            Meta::List(list) if list.tokens.is_empty() => Err(syn::Error::new_spanned(&list.path, BEGINS)),
            Meta::List(list) => list.parse_args(),
            Meta::Path(path) => Err(syn::Error::new_spanned(path, BEGINS)),
            Meta::NameValue(value) => Err(syn::Error::new_spanned(&value.value, BEGINS)),
        }
    }
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if !input.peek(LitStr) {
            return Err(input.error(BEGINS));
        }
        let path = input.parse()?;
        let (mut health_check, mut body_limit) = (None, None);
        while !input.is_empty() {
            comma(input)?;
            if input.is_empty() {
                break;
            }
            let place = input.span();
            if !HealthCheck::is_next(input) {
                if input.peek(LitStr) {
                    return Err(input.error("an endpoint has one path: take this away"));
                }
                let other = |_| input.error(format!("{OPTIONS} here"));
                let option: Ident = input.fork().parse().map_err(other)?;
                if option == "body_limit" {
                    if body_limit.replace(input.parse()?).is_some() {
                        return Err(syn::Error::new(place, "`body_limit` is given twice: take one away"));
                    }
                    continue;
                }
                if option != "health_check" {
                    let message = if option == "method" || option == "methods" {
                        format!("an endpoint answers POST, and a health check GET, too: take `{option}` away")
                    } else {
                        format!("an endpoint has no option `{option}`: {OPTIONS}")
                    };
                    return Err(syn::Error::new(option.span(), message));
                }
                input.parse::<Ident>()?;
                let equals: Option<Token![=]> = input.parse()?;
                if equals.is_none() || input.is_empty() {
                    return Err(syn::Error::new(place, "write `health_check = HealthCheck(…)`"));
                }
            }
            let check = input.parse()?;
            if health_check.is_some() {
                return Err(syn::Error::new(place, "`health_check` is given twice: take one away"));
            }
            health_check = Some(HealthCheckOption { place, check });
        }
        Ok(Self { path, health_check, body_limit })
    }
}
