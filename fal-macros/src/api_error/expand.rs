//! Writes the impls of a validated `ApiError`.

use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::Ident;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::ast::Header;
use super::validate::{ApiError, ErrorVariant, Source, VariantKind};
use crate::format_string::FormatString;

impl ApiError {
    pub(super) fn expand(&self) -> TokenStream {
        let Self { name, runtime, variants } = self;
        let declared = variants.iter().filter_map(ErrorVariant::declared_failure);
        let display_arms = variants.iter().map(|variant| variant.display_arm(name));
        let detail_arms = variants.iter().filter_map(|variant| variant.detail_arm(name));
        let error_arms = variants.iter().map(|variant| variant.error_arm(name));
        let header_arms: Vec<_> = variants.iter().filter_map(|variant| variant.header_arm(name)).collect();
        let headers = (!header_arms.is_empty()).then(|| {
            quote! {
                let headers: ::std::vec::Vec<(&'static str, ::std::string::String)> = match error {
                    #(#header_arms,)*
                    #[allow(unreachable_patterns)]
                    _ => ::std::vec::Vec::new(),
                };
            }
        });
        let error = quote!(match error { #(#error_arms,)* });
        let error = if headers.is_some() { quote!(__fal::with_headers(#error, headers)) } else { error };
        let conversions = variants.iter().filter_map(|variant| variant.conversion(name));
        quote! {
            const _: () = {
                use #runtime::__private as __fal;
                impl __fal::ApiError for #name {
                    const FAILURES: &'static [__fal::DeclaredFailure] = &[#(#declared),*];
                }
                impl ::core::fmt::Display for #name {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        match *self { #(#display_arms,)* }
                    }
                }
                impl ::core::convert::From<#name> for __fal::Error {
                    fn from(error: #name) -> Self {
                        let log = ::std::string::ToString::to_string(&error);
                        let detail: ::core::option::Option<::std::string::String> = match error {
                            #(#detail_arms,)*
                            #[allow(unreachable_patterns)]
                            _ => ::core::option::Option::None,
                        };
                        #headers
                        #error
                    }
                }
                #(#conversions)*
            };
        }
    }
}

impl ErrorVariant {
    /// The entry in the OpenAPI document. A transparent variant has none.
    fn declared_failure(&self) -> Option<TokenStream> {
        let VariantKind::Declared { status, detail, headers, .. } = &self.kind else { return None };
        let detail = detail.as_ref().map_or_else(|| quote!(""), |detail| detail.literal.to_token_stream());
        let headers = (!headers.is_empty()).then(|| {
            let names = headers.iter().map(|header| &header.name);
            quote!(.with_headers(&[#(#names),*]))
        });
        Some(quote!(__fal::DeclaredFailure::new(#status, #detail) #headers))
    }

    /// The match arm of `Display`.
    fn display_arm(&self, name: &Ident) -> TokenStream {
        let variant = &self.name;
        match &self.kind {
            VariantKind::Transparent(member) => {
                quote!(#name::#variant { #member: ref error } => ::core::fmt::Display::fmt(error, f))
            }
            VariantKind::Declared { log: Some(text), .. }
            | VariantKind::Declared { detail: Some(text), .. } => {
                let (pattern, arguments) = (text.pattern(), text.arguments());
                quote!(#name::#variant #pattern => ::core::write!(f, #arguments))
            }
            VariantKind::Declared { .. } => {
                // `IndexLost` becomes `index lost`.
                let words = variant.unraw().to_string().to_snake_case().replace('_', " ");
                quote!(#name::#variant { .. } => f.write_str(#words))
            }
        }
    }

    /// The match arm that formats the text for the client.
    fn detail_arm(&self, name: &Ident) -> Option<TokenStream> {
        let variant = &self.name;
        let VariantKind::Declared { detail: Some(text), log: own_log, .. } = &self.kind else { return None };
        if own_log.is_none() {
            // The log line has the same text.
            let log = quote!(::core::clone::Clone::clone(&log));
            return Some(quote!(#name::#variant { .. } => ::core::option::Option::Some(#log)));
        }
        let (pattern, arguments) = (text.pattern(), text.arguments());
        Some(quote! {
            #name::#variant #pattern => ::core::option::Option::Some(::std::format!(#arguments))
        })
    }

    /// The match arm that formats the headers of the response.
    fn header_arm(&self, name: &Ident) -> Option<TokenStream> {
        let variant = &self.name;
        let VariantKind::Declared { headers, .. } = &self.kind else { return None };
        let pattern = FormatString::pattern_of(headers.iter().map(|header| &header.value));
        let texts = headers.iter().map(|Header { name, value }| {
            let arguments = value.arguments();
            quote!((#name, ::std::format!(#arguments)))
        });
        (!headers.is_empty()).then(|| quote!(#name::#variant #pattern => ::std::vec![#(#texts),*]))
    }

    /// The match arm of the conversion into an `Error`.
    fn error_arm(&self, name: &Ident) -> TokenStream {
        let variant = &self.name;
        let cause = self.source.as_ref().map(|source| {
            let (ty, span) = (&source.ty, source.ty.span());
            let cause = quote_spanned!(span=> __fal::cause::<#ty>);
            quote!(#cause(source))
        });
        match (&self.kind, &self.source) {
            (VariantKind::Transparent(member), _) => {
                quote!(#name::#variant { #member: error } => ::core::convert::Into::into(error))
            }
            (VariantKind::Declared { status, .. }, Some(Source { member, .. })) => quote! {
                #name::#variant { #member: source, .. } => {
                    let source = #cause;
                    __fal::to_error(#status, __fal::ErrorParts { log, detail, source })
                }
            },
            (VariantKind::Declared { status, .. }, None) => quote! {
                #name::#variant { .. } => {
                    let source = ::core::option::Option::None;
                    __fal::to_error(#status, __fal::ErrorParts { log, detail, source })
                }
            },
        }
    }

    /// The conversion from the cause, which `?` uses.
    fn conversion(&self, name: &Ident) -> Option<TokenStream> {
        let Self { name: variant, source, .. } = self;
        let Source { member, ty, .. } = source.as_ref().filter(|source| source.is_from)?;
        Some(quote! {
            impl ::core::convert::From<#ty> for #name {
                fn from(source: #ty) -> Self {
                    #name::#variant { #member: source }
                }
            }
        })
    }
}
