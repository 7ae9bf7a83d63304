//! The errors that a macro collects before it reports them.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// The errors found so far, in the order of finding. As tokens it is a `compile_error!` for each.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    /// Adds an error that rustc reports at these tokens.
    pub(crate) fn push(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.0.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds one error whose span reaches from the first to the second place, so that rustc shows both.
    pub(crate) fn push_between(&mut self, first: Span, second: Span, message: impl Display) {
        let ends = [first, second].map(|span| syn::Ident::new("end", span).into_token_stream());
        self.push(TokenStream::from_iter(ends), message);
    }

    /// Returns what has been parsed, or adds its error.
    pub(crate) fn ok_or_push<T>(&mut self, parsed: syn::Result<T>) -> Option<T> {
        parsed.map_err(|error| self.0.push(error)).ok()
    }

    /// Moves the errors of the other list to the end of this one.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl ToTokens for Errors {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.0.iter().map(syn::Error::to_compile_error));
    }
}
