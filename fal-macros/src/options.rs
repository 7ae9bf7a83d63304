//! Options of an attribute: `name = value`, with commas between them.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Expr, Ident, Token};

use crate::mistakes::Mistakes;

/// One option of an attribute: its name, and its value as it stands there.
pub(crate) struct Setting {
    pub(crate) name: Ident,
    pub(crate) value: TokenStream,
}

impl Setting {
    /// Whether the value is written so.
    pub(crate) fn is(&self, value: &str) -> bool {
        self.value.to_string() == value
    }
}

/// `name = value`; a bare `cors` has a value of its own.
impl Parse for Setting {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = name(input)?;
        if input.peek(Token![:]) {
            return Err(input.error(format!("write `{name} = …`")));
        }
        if name == "cors" && !input.peek(Token![=]) {
            let value = quote_spanned!(name.span().resolved_at(Span::call_site())=> __fal::Cors::any());
            return Ok(Self { name, value });
        }
        if !input.peek(Token![=]) {
            return Err(syn::Error::new(name.span(), format!("`{name}` needs a value: write `{name} = …`")));
        }
        input.parse::<Token![=]>()?;
        if input.is_empty() {
            return Err(syn::Error::new(name.span(), format!("`{name}` needs a value: write `{name} = …`")));
        }
        let value = input.parse::<Expr>()?.into_token_stream();
        Ok(Self { name, value })
    }
}

/// Settings with commas between them.
pub(crate) fn settings(input: ParseStream<'_>) -> syn::Result<Vec<Setting>> {
    let mut settings = Vec::new();
    while !input.is_empty() {
        settings.push(input.parse()?);
        comma(input)?;
    }
    Ok(settings)
}

/// The comma before whatever follows.
pub(crate) fn comma(input: ParseStream<'_>) -> syn::Result<()> {
    if input.is_empty() || input.parse::<Option<Token![,]>>()?.is_some() {
        return Ok(());
    }
    Err(input.error("write a `,` before this"))
}

/// The name of an option.
pub(crate) fn name(input: ParseStream<'_>) -> syn::Result<Ident> {
    // A keyword is one, too: `crate = path`.
    Ident::parse_any(input).map_err(|_| input.error("a setting has a name: write `name = …`"))
}

/// A call of the `const` setter of that name on `options`. All of it stands where the option does, so that rustc
/// reports a name that does not exist, a wrong type and a bad value at the word.
impl ToTokens for Setting {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { name, value } = self;
        let span = name.span().resolved_at(Span::call_site());
        tokens.extend(quote_spanned!(span=> let options = options.#name(#value);));
    }
}

/// Reports options that are given twice, and leaves the first of each.
pub(crate) fn once_each(settings: Vec<Setting>, mistakes: &mut Mistakes) -> Vec<Setting> {
    let mut once: Vec<Setting> = Vec::new();
    for setting in settings {
        let name = &setting.name;
        match once.iter().find(|earlier| earlier.name == *name) {
            Some(earlier) => {
                let message = format!("`{name}` is given twice: take one away");
                mistakes.between(earlier.name.span(), name.span(), message);
            }
            None => once.push(setting),
        }
    }
    once
}
