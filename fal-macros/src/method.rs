//! The method of a request that an endpoint answers.

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::{Ident, LitStr};

/// The value of `method = …`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// Whether a request with this method has a body that an endpoint can take (RFC 9110, section 9.3).
    pub(crate) fn has_body(self) -> bool {
        !matches!(self, Self::Get | Self::Delete)
    }

    /// The constant of the runtime that stands for it.
    pub(crate) fn constant(self, span: Span) -> Ident {
        Ident::new(self.name(), span)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Parse for Method {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let expected = "write one of `GET`, `POST`, `PUT`, `PATCH`, `DELETE`";
        if input.peek(LitStr) {
            return Err(input.error(format!("a method has no quotes: {expected}")));
        }
        let name: Ident = input.parse().map_err(|_| input.error(format!("missing method: {expected}")))?;
        match name.to_string().as_str() {
            "GET" => Ok(Self::Get),
            "POST" => Ok(Self::Post),
            "PUT" => Ok(Self::Put),
            "PATCH" => Ok(Self::Patch),
            "DELETE" => Ok(Self::Delete),
            _ => Err(syn::Error::new(name.span(), format!("unknown method `{name}`: {expected}"))),
        }
    }
}
