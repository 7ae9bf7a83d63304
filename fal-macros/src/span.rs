//! Spans of generated code: where rustc reports an error in it.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;

/// Gives each token this span. Tokens inside groups keep theirs.
pub(crate) fn with_span(tokens: &TokenStream, span: Span) -> TokenStream {
    let respanned = tokens.clone().into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    respanned.collect()
}

/// The location of the user's tokens with the hygiene of the macro call: names of this crate resolve, and rustc reports
/// errors at the user's code.
pub(crate) fn call_site_span(tokens: &impl Spanned) -> Span {
    tokens.span().resolved_at(Span::call_site())
}

/// The spans of the first and of the last token.
pub(crate) fn first_and_last_span(tokens: &impl ToTokens) -> (Span, Span) {
    let mut tokens = tokens.to_token_stream().into_iter();
    let first = tokens.next().map_or_else(Span::call_site, |token| token.span());
    (first, tokens.last().map_or(first, |token| token.span()))
}
