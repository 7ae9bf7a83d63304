//! Writes the impls of a checked `ApiError`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use super::validate::{ApiError, Failure, Source, Told};

impl ApiError {
    pub(super) fn expand(&self) -> TokenStream {
        let Self { name, runtime, failures } = self;
        let declared = failures.iter().filter_map(Failure::declared);
        let shown = failures.iter().map(|failure| failure.shown(name));
        let details = failures.iter().filter_map(|failure| failure.detail(name));
        let ends = failures.iter().map(|failure| failure.end(name));
        let from = failures.iter().filter_map(|failure| failure.from(name));
        quote! {
            const _: () = {
                use #runtime::__private as __fal;
                impl __fal::ApiError for #name {
                    const FAILURES: &'static [__fal::DeclaredFailure] = &[#(#declared),*];
                }
                impl ::core::fmt::Display for #name {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        match *self { #(#shown,)* }
                    }
                }
                impl ::core::convert::From<#name> for __fal::Error {
                    fn from(error: #name) -> Self {
                        let log = ::std::string::ToString::to_string(&error);
                        let detail: ::core::option::Option<::std::string::String> = match error {
                            #(#details,)*
                            #[allow(unreachable_patterns)]
                            _ => ::core::option::Option::None,
                        };
                        match error { #(#ends,)* }
                    }
                }
                #(#from)*
            };
        }
    }
}

impl Failure {
    /// What the document tells of it.
    fn declared(&self) -> Option<TokenStream> {
        let Told::Declared { status, detail, .. } = &self.told else { return None };
        let detail = detail.as_ref().map_or_else(|| quote!(""), |detail| detail.literal.to_token_stream());
        Some(quote!(__fal::DeclaredFailure::new(#status, #detail)))
    }

    /// The arm of `Display`.
    fn shown(&self, name: &Ident) -> TokenStream {
        let variant = &self.variant;
        match &self.told {
            Told::Transparent(member) => {
                quote!(#name::#variant { #member: ref error } => ::core::fmt::Display::fmt(error, f))
            }
            Told::Declared { log: Some(text), .. } | Told::Declared { detail: Some(text), .. } => {
                let (pattern, arguments) = (text.pattern(), text.arguments());
                quote!(#name::#variant #pattern => ::core::write!(f, #arguments))
            }
            Told::Declared { .. } => {
                let words = words(&variant.to_string());
                quote!(#name::#variant { .. } => f.write_str(#words))
            }
        }
    }

    /// The arm of what the client reads.
    fn detail(&self, name: &Ident) -> Option<TokenStream> {
        let variant = &self.variant;
        let Told::Declared { detail: Some(text), log: own_log, .. } = &self.told else { return None };
        if own_log.is_none() {
            // It has been made for the log already.
            let log = quote!(::core::clone::Clone::clone(&log));
            return Some(quote!(#name::#variant { .. } => ::core::option::Option::Some(#log)));
        }
        let (pattern, arguments) = (text.pattern(), text.arguments());
        Some(quote! {
            #name::#variant #pattern => ::core::option::Option::Some(::std::format!(#arguments))
        })
    }

    /// The arm of the conversion.
    fn end(&self, name: &Ident) -> TokenStream {
        let variant = &self.variant;
        let cause = self.source.as_ref().map(|source| {
            let (ty, place) = (&source.ty, source.ty.span());
            let cause = quote_spanned!(place=> __fal::cause::<#ty>);
            quote!(#cause(source))
        });
        match (&self.told, &self.source) {
            (Told::Transparent(member), _) => {
                quote!(#name::#variant { #member: error } => ::core::convert::Into::into(error))
            }
            (Told::Declared { status, .. }, Some(Source { member, .. })) => quote! {
                #name::#variant { #member: source, .. } => {
                    let source = #cause;
                    __fal::told(#status, __fal::Told { log, detail, source })
                }
            },
            (Told::Declared { status, .. }, None) => quote! {
                #name::#variant { .. } => {
                    let source = ::core::option::Option::None;
                    __fal::told(#status, __fal::Told { log, detail, source })
                }
            },
        }
    }

    /// The conversion that `?` uses.
    fn from(&self, name: &Ident) -> Option<TokenStream> {
        let Self { variant, source, .. } = self;
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

/// `IndexLost` as `index lost`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.trim_start_matches("r#").chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}
