//! The procedural macros of `fal-runtime`: `#[app]`, `#[endpoints]`, `#[endpoint]` and `#[derive(ApiError)]`. Use them
//! through that crate, which documents them.
//!
//! Each attribute gives the user's item back, without our attributes, and adds code after it. A macro collects all errors
//! before it reports them, and writes no code that would fail because of one of them: one mistake is one error.

mod api_error;
mod app;
mod conditional;
mod doc;
mod endpoint;
mod errors;
mod format_string;
mod health_check;
mod impl_block;
mod lifecycle;
mod method;
mod options;
mod path;
mod span;
mod strip;
#[cfg(test)]
mod tests;
mod ungroup;

use proc_macro::TokenStream;
use proc_macro2::Span;
use quote::quote;

/// Declares an app. See `fal_runtime::app`.
#[proc_macro_attribute]
pub fn app(options: TokenStream, item: TokenStream) -> TokenStream {
    app::app(options.into(), item.into()).into()
}

/// Declares a further `impl` block with endpoints. See `fal_runtime::endpoints`.
#[proc_macro_attribute]
pub fn endpoints(options: TokenStream, item: TokenStream) -> TokenStream {
    app::endpoints(options.into(), item.into()).into()
}

/// Declares a method to be an endpoint. See `fal_runtime::endpoint`.
#[proc_macro_attribute]
pub fn endpoint(_: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    // With the hygiene of the item, rustc adds no note about the macro.
    let hygiene = item.clone().into_iter().next().map_or_else(Span::call_site, |first| first.span());
    // `#[app]` and `#[endpoints]` remove this attribute. Where it is expanded, it stands in neither.
    let error = syn::Error::new(
        Span::call_site().resolved_at(hygiene),
        "`#[endpoint]` outside of an app: write `#[app]` or `#[endpoints]` above the `impl` block of this method",
    );
    let error = error.to_compile_error();
    quote!(#item #error).into()
}

/// Declares an enum to be an error of endpoints. See `fal_runtime::ApiError`.
#[proc_macro_derive(ApiError, attributes(api, from, source))]
pub fn api_error(input: TokenStream) -> TokenStream {
    api_error::derive(input.into()).into()
}
