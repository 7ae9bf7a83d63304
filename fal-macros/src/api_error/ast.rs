//! Parses the `#[api(…)]` attributes of an enum and of its variants.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::meta::ParseNestedMeta;
use syn::parse::ParseStream;
use syn::{Attribute, Expr, ExprLit, Fields, Lit, LitInt, LitStr, Meta, Path, Token, parenthesized};

use crate::errors::Errors;
use crate::format_string::FormatString;

/// The options of `#[api(…)]` on a variant.
pub(super) struct VariantAttribute {
    pub(super) status: Option<LitInt>,
    pub(super) detail: Option<FormatString>,
    pub(super) log: Option<FormatString>,
    pub(super) transparent: Option<Path>,
    pub(super) headers: Vec<Header>,
}

/// A header of the response.
pub(super) struct Header {
    pub(super) name: LitStr,
    pub(super) value: FormatString,
}

impl VariantAttribute {
    pub(super) fn parse(attribute: &Attribute, fields: &Fields) -> syn::Result<Self> {
        let (mut status, mut detail, mut log, mut transparent) = (None, None, None, None);
        let mut headers = Vec::new();
        let is_list = matches!(&attribute.meta, Meta::List(list) if list.parse_args::<Lit>().is_err());
        if !is_list {
            let message = "expected named options: write `#[api(status = 404, detail = \"…\")]`";
            return Err(syn::Error::new_spanned(attribute, message));
        }
        attribute.parse_nested_meta(|meta| {
            let option = &meta.path;
            let is_given_twice = if option.is_ident("status") {
                status.replace(parse_status(meta.value()?)?).is_some()
            } else if option.is_ident("detail") {
                detail.replace(FormatString::parse(meta.value()?.parse()?, fields)?).is_some()
            } else if option.is_ident("log") {
                log.replace(FormatString::parse(meta.value()?.parse()?, fields)?).is_some()
            } else if option.is_ident("transparent") {
                transparent.replace(option.clone()).is_some()
            } else if option.is_ident("header") {
                headers.push(Header::parse(&meta, fields)?);
                false
            } else {
                return Err(
                    meta.error("unknown option: write `status`, `detail`, `header`, `log` or `transparent`")
                );
            };
            if is_given_twice { Err(meta.error("duplicate option: remove one of the two")) } else { Ok(()) }
        })?;
        Ok(Self { status, detail, log, transparent, headers })
    }
}

impl Header {
    /// Parses `header("name", "value")`. The value may have fields in braces.
    fn parse(meta: &ParseNestedMeta<'_>, fields: &Fields) -> syn::Result<Self> {
        let expected =
            |_| meta.error("expected a name and a value: write `header(\"retry-after\", \"{seconds}\")`");
        let content;
        parenthesized!(content in meta.input);
        let name: LitStr = content.parse().map_err(expected)?;
        content.parse::<Token![,]>().map_err(expected)?;
        let value: LitStr = content.parse().map_err(expected)?;
        content.parse::<Option<Token![,]>>()?;
        let text = name.value();
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if text.is_empty() || !text.bytes().all(is_allowed) {
            let message = format!(
                "invalid header name `{text}`: write lower-case letters, digits and `-`, such as `retry-after`"
            );
            return Err(syn::Error::new(name.span(), message));
        }
        if value.value().contains(|letter: char| letter.is_control()) {
            let message = "invalid header value: remove the line break or other control character";
            return Err(syn::Error::new(value.span(), message));
        }
        Ok(Self { name, value: FormatString::parse(value, fields)? })
    }
}

/// Parses the number of a status that is an error.
fn parse_status(value: ParseStream<'_>) -> syn::Result<LitInt> {
    let message = "invalid status of an error: write a number from 400 to 599, such as `status = 404`";
    match value.parse::<Expr>()? {
        Expr::Lit(ExprLit { lit: Lit::Int(status), .. })
            if matches!(status.base10_parse::<u16>(), Ok(400..=599)) =>
        {
            Ok(status)
        }
        other => Err(syn::Error::new_spanned(other, message)),
    }
}

/// Reads `#[api(crate = path)]` on the enum: the path by which the user's crate knows `fal_runtime`.
pub(super) fn parse_runtime(attributes: &[Attribute], errors: &mut Errors) -> TokenStream {
    let mut runtime = quote!(::fal_runtime);
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("api")) {
        errors.ok_or_push(attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("the enum has only the option `crate = path`: move this to a variant"));
            }
            runtime = meta.value()?.parse::<Path>()?.into_token_stream();
            Ok(())
        }));
    }
    runtime
}
