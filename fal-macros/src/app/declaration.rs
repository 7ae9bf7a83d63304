//! Writes the declaration of an app: its settings, its lifecycle and its registration.

use heck::ToKebabCase;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Ident, Path};

use super::attribute::Options;
use crate::conditional::cfgs;
use crate::doc::Docs;
use crate::lifecycle::LifecycleMethod;
use crate::span::with_span;

/// Writes the declaration of an app. `lifecycle` has the lifecycle methods of the `impl` block that carries `#[app]`; it
/// is `None` where `#[app]` stands on the struct.
pub(super) fn declaration(
    app: &Path,
    attributes: &[Attribute],
    options: &Options,
    lifecycle: Option<&[LifecycleMethod]>,
) -> TokenStream {
    let Options { settings, runtime } = options;
    let name = app.segments.last().map(|name| name.ident.unraw().to_string().to_kebab_case());
    let cfgs = cfgs(attributes);
    let docs = Docs::from_attributes(attributes).expand();
    let description = docs.map(|docs| quote!(let options = options.description(#docs);));
    let method = |name: &str| lifecycle.unwrap_or_default().iter().find(|method| method.name == name);
    // rustc reports an invalid method at its name, and a missing one at the app's name.
    let span_of = |name: &str| method(name).map_or_else(|| app.span(), |method| method.name.span());
    let path_of = |name: &str| {
        let span = span_of(name);
        let name = Ident::new(name, span);
        with_span(&quote!(#app::#name), span)
    };
    let closure_span = |name: &str| span_of(name).resolved_at(Span::call_site());
    // A method that the runtime cannot call has been reported already, and is not called here.
    let is_valid = |name: &str| method(name).is_none_or(LifecycleMethod::is_valid);
    let closure = |name: &str| {
        if !is_valid(name) {
            return quote!(|_, _| __fal::None);
        }
        let function = path_of(name);
        quote_spanned!(closure_span(name)=> |app, thread| thread.settle(#function(app)))
    };
    let (handle_exit, teardown) = (closure("handle_exit"), closure("teardown"));
    let setup = path_of("setup");
    let setup = if !is_valid("setup") {
        quote!(|_, _| __fal::None)
    } else if lifecycle.is_some() && method("setup").is_none() {
        // The trait's own `setup`: called directly, so that rustc reports a missing `Default` once.
        quote_spanned!(closure_span("setup")=> |thread, _| thread.settle(#setup()))
    } else {
        // A trait tells whether it takes `&Setup`: it may stand in another block.
        let call = with_span(&quote!(__fal::call_setup), app.span());
        quote_spanned!(closure_span("setup")=> |thread, cx| thread.settle(#call(#setup, cx)))
    };
    let layer = if is_valid("layer") { path_of("layer") } else { quote!(__fal::convert::identity) };
    quote! {
        #(#cfgs)*
        const _: () = {
            use #runtime::__private as __fal;
            use __fal::Lifecycle as _;
            static DECLARATION: __fal::Declaration = __fal::Declaration {
                settings: {
                    let options = __fal::AppOptions::new(#name, __fal::env!("CARGO_PKG_VERSION"));
                    #description
                    #(#settings)*
                    options.settings()
                },
                type_id: __fal::TypeId::of::<#app>,
                setup: |cx| __fal::setup::<#app>(cx, #setup),
                handle_exit: |app| __fal::handle_exit::<#app>(app, #handle_exit),
                teardown: |app| __fal::teardown::<#app>(app, #teardown),
                layer: #layer,
            };
            impl __fal::App for #app {
                const DECLARATION: &'static __fal::Declaration = &DECLARATION;
            }
            __fal::inventory::submit! {
                __fal::Registered(&DECLARATION)
            }
        };
    }
}
