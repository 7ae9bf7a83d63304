//! The impls of an enum whose attributes have errors.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput};

use super::ast::runtime;
use crate::mistakes::Mistakes;

/// What an error with a mistake is where it is used: one all the same, so that rustc has nothing more to say of it. One that
/// derives `thiserror::Error` is an error already.
pub(super) fn stand_in(input: &DeriveInput) -> Option<TokenStream> {
    let Data::Enum(data) = &input.data else { return None };
    let mut attributes = data.variants.iter().flat_map(|variant| &variant.attrs);
    if attributes.any(|attribute| attribute.path().is_ident("error")) {
        return None;
    }
    let runtime = runtime(&input.attrs, &mut Mistakes::default());
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
