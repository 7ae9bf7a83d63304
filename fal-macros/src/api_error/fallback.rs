//! Writes impls for an enum with errors in its attributes.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput};

use super::ast::parse_runtime;
use crate::errors::Errors;

/// Writes the same impls with empty texts, so that rustc reports no missing impls in addition to the errors. An enum that derives
/// `thiserror::Error` gets none: it has its own `Display`, and converts into an `Error` by that.
pub(super) fn fallback(input: &DeriveInput) -> Option<TokenStream> {
    let Data::Enum(data) = &input.data else { return None };
    let mut attributes = data.variants.iter().flat_map(|variant| &variant.attrs);
    if attributes.any(|attribute| attribute.path().is_ident("error")) {
        return None;
    }
    let runtime = parse_runtime(&input.attrs, &mut Errors::default());
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    Some(quote! {
        const _: () = {
            use #runtime::__private as __fal;
            impl #generics __fal::ApiError for #name #arguments #bounds {
                const FAILURES: &'static [__fal::DeclaredFailure] = &[];
            }
            impl #generics ::core::fmt::Display for #name #arguments #bounds {
                fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    ::core::result::Result::Ok(())
                }
            }
            impl #generics ::core::convert::From<#name #arguments> for __fal::Error #bounds {
                fn from(_: #name #arguments) -> Self {
                    __fal::Error::msg("")
                }
            }
        };
    })
}
