//! Parses the options of `#[endpoint(…)]`.

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Ident, LitStr, Meta, Token};

use crate::health_check::HealthCheck;
use crate::method::Method;
use crate::options::{Setting, parse_comma};

const PATH_FIRST: &str = "expected the path of the endpoint first: write `#[endpoint(\"/path\")]`";
const OPTIONS: &str = "write `method = …`, `health_check = …`, `body_limit = …` or `idempotent`";

/// The options of `#[endpoint(…)]`.
pub(super) struct EndpointAttribute {
    pub(super) path: LitStr,
    pub(super) method: Option<MethodOption>,
    pub(super) health_check: Option<HealthCheckOption>,
    pub(super) body_limit: Option<Setting>,
    /// The option that says that a request may be sent twice.
    pub(super) idempotent: Option<Ident>,
}

/// The option that sets the method.
pub(super) struct MethodOption {
    pub(super) name: Ident,
    pub(super) method: Method,
}

/// The option that makes an endpoint the health check.
pub(crate) struct HealthCheckOption {
    /// Where the option begins.
    pub(crate) span: Span,
    pub(crate) check: HealthCheck,
}

impl EndpointAttribute {
    pub(super) fn from_attribute(attribute: &Attribute) -> syn::Result<Self> {
        match &attribute.meta {
            Meta::List(list) if list.tokens.is_empty() => {
                Err(syn::Error::new_spanned(&list.path, PATH_FIRST))
            }
            Meta::List(list) => list.parse_args(),
            Meta::Path(path) => Err(syn::Error::new_spanned(path, PATH_FIRST)),
            Meta::NameValue(value) => Err(syn::Error::new_spanned(&value.value, PATH_FIRST)),
        }
    }

    fn parse_option(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let span = input.span();
        if HealthCheck::peek(input) {
            return self.parse_health_check(span, input);
        }
        if input.peek(LitStr) {
            return Err(input.error("duplicate path: an endpoint has one, so remove this"));
        }
        let no_name = |_| input.error(format!("expected an option: {OPTIONS}"));
        let option: Ident = input.fork().parse().map_err(no_name)?;
        match option.to_string().as_str() {
            "body_limit" => {
                if self.body_limit.replace(input.parse()?).is_some() {
                    return Err(syn::Error::new(
                        span,
                        "duplicate option `body_limit`: remove one of the two",
                    ));
                }
                Ok(())
            }
            "health_check" => {
                input.parse::<Ident>()?;
                let equals: Option<Token![=]> = input.parse()?;
                if equals.is_none() || input.is_empty() {
                    return Err(syn::Error::new(
                        span,
                        "missing value: write `health_check = HealthCheck(…)`",
                    ));
                }
                self.parse_health_check(span, input)
            }
            "idempotent" => {
                if self.idempotent.replace(input.parse()?).is_some() {
                    return Err(syn::Error::new(
                        span,
                        "duplicate option `idempotent`: remove one of the two",
                    ));
                }
                if input.peek(Token![=]) {
                    return Err(input.error("unexpected value: write `idempotent` alone"));
                }
                Ok(())
            }
            "method" => {
                let name = input.parse()?;
                let equals: Option<Token![=]> = input.parse()?;
                if equals.is_none() || input.is_empty() {
                    return Err(syn::Error::new(span, "missing value: write `method = GET`"));
                }
                if self.method.replace(MethodOption { name, method: input.parse()? }).is_some() {
                    return Err(syn::Error::new(span, "duplicate option `method`: remove one of the two"));
                }
                Ok(())
            }
            _ => Err(syn::Error::new(span, format!("unknown option `{option}`: {OPTIONS}"))),
        }
    }

    fn parse_health_check(&mut self, span: Span, input: ParseStream<'_>) -> syn::Result<()> {
        let check = input.parse()?;
        if self.health_check.replace(HealthCheckOption { span, check }).is_some() {
            return Err(syn::Error::new(span, "duplicate option `health_check`: remove one of the two"));
        }
        Ok(())
    }
}

impl Parse for EndpointAttribute {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if !input.peek(LitStr) {
            return Err(input.error(PATH_FIRST));
        }
        let mut attribute = Self {
            path: input.parse()?,
            method: None,
            health_check: None,
            body_limit: None,
            idempotent: None,
        };
        while !input.is_empty() {
            parse_comma(input)?;
            if !input.is_empty() {
                attribute.parse_option(input)?;
            }
        }
        Ok(attribute)
    }
}
