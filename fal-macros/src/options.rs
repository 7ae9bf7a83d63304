//! Options of an attribute: `name = value`, with commas between them.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Expr, Ident, Token};

use crate::errors::Errors;

/// One option of an attribute: its name, and its value as written.
///
/// As tokens it calls the `const` setter of that name on `options`. The call has the span of the name, so rustc
/// reports an unknown name, a wrong type or an invalid value there.
pub(crate) struct Setting {
    pub(crate) name: Ident,
    pub(crate) value: TokenStream,
}

impl Setting {
    /// Whether the value is exactly this token.
    pub(crate) fn has_value(&self, value: &str) -> bool {
        self.value.to_string() == value
    }
}

/// Parses `name = value`, or a bare `cors`.
impl Parse for Setting {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = parse_name(input)?;
        if input.peek(Token![:]) {
            return Err(input.error(format!("unexpected `:` after `{name}`: write `{name} = …`")));
        }
        if name == "cors" && !input.peek(Token![=]) {
            let value = quote_spanned!(name.span().resolved_at(Span::call_site())=> __fal::Cors::any());
            return Ok(Self { name, value });
        }
        let equals: Option<Token![=]> = input.parse()?;
        if equals.is_none() || input.is_empty() {
            return Err(syn::Error::new(name.span(), format!("missing value: write `{name} = …`")));
        }
        let value = input.parse::<Expr>()?.into_token_stream();
        Ok(Self { name, value })
    }
}

/// Parses settings with commas between them.
pub(crate) fn parse_settings(input: ParseStream<'_>) -> syn::Result<Vec<Setting>> {
    let mut settings = Vec::new();
    while !input.is_empty() {
        settings.push(input.parse()?);
        parse_comma(input)?;
    }
    Ok(settings)
}

/// Parses the comma before the next option, if there is one.
pub(crate) fn parse_comma(input: ParseStream<'_>) -> syn::Result<()> {
    if input.is_empty() || input.parse::<Option<Token![,]>>()?.is_some() {
        return Ok(());
    }
    Err(input.error("missing comma: write `,` before this"))
}

/// Parses the name of an option, which may be a keyword: `crate = path`.
pub(crate) fn parse_name(input: ParseStream<'_>) -> syn::Result<Ident> {
    Ident::parse_any(input).map_err(|_| input.error("expected a name: write `name = …`"))
}

impl ToTokens for Setting {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { name, value } = self;
        let span = name.span().resolved_at(Span::call_site());
        tokens.extend(quote_spanned!(span=> let options = options.#name(#value);));
    }
}

/// Reports each option that is given twice and keeps the first.
pub(crate) fn deduplicate(settings: Vec<Setting>, errors: &mut Errors) -> Vec<Setting> {
    let mut unique: Vec<Setting> = Vec::new();
    for setting in settings {
        let name = &setting.name;
        match unique.iter().find(|earlier| earlier.name == *name) {
            Some(earlier) => {
                let message = format!("duplicate option `{name}`: remove one of the two");
                errors.push_between(earlier.name.span(), name.span(), message);
            }
            None => unique.push(setting),
        }
    }
    unique
}
