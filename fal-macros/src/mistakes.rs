//! The errors that a macro collects before it reports them.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// Every mistake that was found so far, in the order of finding.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(Vec<syn::Error>);

impl Mistakes {
    /// A mistake at these tokens.
    pub(crate) fn at(&mut self, place: impl ToTokens, message: impl Display) {
        self.0.push(syn::Error::new_spanned(place, message));
    }

    /// A mistake that two places make together: one error that reaches from the first to the second and so shows
    /// both.
    pub(crate) fn between(&mut self, first: Span, second: Span, message: impl Display) {
        let places = [first, second].map(|place| syn::Ident::new("place", place).into_token_stream());
        self.at(TokenStream::from_iter(places), message);
    }

    /// What parsed, or its mistake.
    pub(crate) fn keep<T>(&mut self, parsed: syn::Result<T>) -> Option<T> {
        parsed.map_err(|mistake| self.0.push(mistake)).ok()
    }

    /// Adds those that were found elsewhere.
    pub(crate) fn append(&mut self, mut found: Self) {
        self.0.append(&mut found.0);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl ToTokens for Mistakes {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.iter().map(syn::Error::to_compile_error));
    }
}
