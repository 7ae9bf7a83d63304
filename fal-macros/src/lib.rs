//! The attributes of `fal-runtime`: `#[app]`, `#[endpoints]` and `#[endpoint]`, and `#[derive(ApiError)]`. Use them through that crate, which
//! documents them.
//!
//! Each attribute gives back the item that it stands on, less the attributes that are ours, and adds to it. It
//! gathers every mistake before it speaks and leaves out what a mistake would make noisy, so that one mistake is one
//! error.

mod api_error;
mod app;
mod block;
mod doc;
mod endpoint;
mod health_check;
mod lifecycle;
mod mistakes;
mod options;
mod path;
mod span;
mod strip;
mod template;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;
use proc_macro2::Span;
use quote::quote;

/// Declares an app: on its struct, or on the `impl` block that has its setup and endpoints. See `fal_runtime`.
#[proc_macro_attribute]
pub fn app(options: TokenStream, item: TokenStream) -> TokenStream {
    app::app(options.into(), item.into()).into()
}

/// Declares a further block of an app's endpoints. See `fal_runtime`.
#[proc_macro_attribute]
pub fn endpoints(options: TokenStream, item: TokenStream) -> TokenStream {
    app::endpoints(options.into(), item.into()).into()
}

/// Declares a method of an app's block to be an endpoint. See `fal_runtime`.
#[proc_macro_attribute]
pub fn endpoint(_: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    // At the attribute, as if it were the item's: rustc then says nothing of an expansion.
    let place = item.clone().into_iter().next().map_or_else(Span::call_site, |first| first.span());
    // The attribute of a block takes those of its methods away: this one is in no such block.
    let mistake = syn::Error::new(
        Span::call_site().resolved_at(place),
        "`#[endpoint]` stands on a method of an app's block: write `#[app]` or `#[endpoints]` over its `impl`",
    );
    let mistake = mistake.to_compile_error();
    quote!(#item #mistake).into()
}

/// Declares an enum to be an error of an app's own. See `fal_runtime`.
#[proc_macro_derive(ApiError, attributes(api, from, source))]
pub fn api_error(input: TokenStream) -> TokenStream {
    api_error::derive(input.into()).into()
}
