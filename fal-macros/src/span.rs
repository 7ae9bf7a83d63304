//! Where rustc reports what it finds wrong with generated code.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;

/// The same tokens, for rustc to report at another place. What stands in groups stays where it is.
pub(crate) fn respan(tokens: &TokenStream, place: Span) -> TokenStream {
    let respanned = tokens.clone().into_iter().map(|mut token| {
        token.set_span(place);
        token
    });
    respanned.collect()
}

/// Where rustc is to report what it finds wrong with code of ours: at the user's own.
pub(crate) fn here(place: &impl Spanned) -> Span {
    place.span().resolved_at(Span::call_site())
}

/// Where the first and the last of its tokens are.
pub(crate) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut tokens = tokens.to_token_stream().into_iter();
    let begin = tokens.next().map_or_else(Span::call_site, |token| token.span());
    (begin, tokens.last().map_or(begin, |token| token.span()))
}
