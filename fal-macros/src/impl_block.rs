//! An `impl` block of an app: finds its endpoints and lifecycle methods, and registers the endpoints.

use std::collections::BTreeMap;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, ImplItem, ItemImpl, Path, Type};

use crate::conditional::{Conditional, cfgs, conditionals};
use crate::endpoint::Endpoint;
use crate::errors::Errors;
use crate::lifecycle::LifecycleMethod;
use crate::ungroup::ungroup;

/// The error for generic parameters of an app.
pub(crate) const GENERIC: &str = "an app cannot have generic parameters: write concrete types instead";

/// A validated `impl` block of an app. Methods with errors are left out.
pub(crate) struct ImplBlock {
    pub(crate) app: Path,
    pub(crate) lifecycle: Vec<LifecycleMethod>,
    cfgs: Vec<Attribute>,
    /// The paths by which the block names `#[endpoint]`, each once.
    attributes: BTreeMap<String, Path>,
    endpoints: Vec<Endpoint>,
}

impl ImplBlock {
    /// Validates a block. Returns `None` where it cannot be the block of an app.
    pub(crate) fn from_item(block: &ItemImpl, errors: &mut Errors) -> Option<Self> {
        let app = app(block, errors)?;
        let (mut endpoints, mut lifecycle) = (Vec::new(), Vec::new());
        let mut paths = BTreeMap::new();
        for item in &block.items {
            let ours: Vec<_> = conditionals(attributes(item)).into_iter().filter(is_endpoint).collect();
            for Conditional { attribute, .. } in &ours {
                paths.entry(key(attribute.path())).or_insert_with(|| attribute.path().clone());
            }
            let ImplItem::Fn(method) = item else {
                for Conditional { attribute, .. } in ours {
                    errors.push(attribute, "`#[endpoint]` must be on a method: write it above one");
                }
                continue;
            };
            lifecycle.extend(LifecycleMethod::from_method(method));
            for (index, attribute) in ours.iter().enumerate() {
                let is_alternative = ours.iter().all(|other| !other.conditions.is_empty());
                if index > 0 && !is_alternative {
                    errors.push(&attribute.attribute, "duplicate `#[endpoint]`: remove this attribute");
                    break;
                }
                endpoints.extend(Endpoint::from_method(attribute, method, errors));
            }
        }
        let is_misspelt = |item| conditionals(attributes(item)).iter().any(is_misspelt_endpoint);
        if paths.is_empty() && !block.items.iter().any(is_misspelt) {
            errors.push(
                &block.self_ty,
                "no endpoint in this `impl` block: write `#[endpoint(\"/path\")]` above one of its methods",
            );
        }
        let endpoints = without_conflicts(endpoints, errors);
        Some(Self { app, lifecycle, cfgs: cfgs(&block.attrs), attributes: paths, endpoints })
    }

    /// Writes the declarations of the endpoints and their registration.
    ///
    /// Each endpoint implements a marker trait for its path, and the health check another one. Where two of a kind stand
    /// in different blocks, rustc reports conflicting impls and prints the name of the trait, which is the message (S1,
    /// S2).
    pub(crate) fn expand(&self, runtime: &TokenStream) -> TokenStream {
        let Self { app, cfgs, attributes, endpoints, .. } = self;
        let names: Vec<_> = (0..endpoints.len()).map(|index| format_ident!("ENDPOINT_{index}")).collect();
        // The attributes are removed from their methods: without a use, rustc would report an unused import.
        let uses = attributes.values().map(|path| {
            // At the attribute, so that a missing import is reported there.
            let span = path.span().resolved_at(Span::call_site());
            quote_spanned!(span=> #[allow(unused_imports)] use #path as _;)
        });
        let statics = endpoints.iter().zip(&names).map(|(endpoint, name)| {
            let (cfgs, initializer) = (&endpoint.cfgs, endpoint.initializer(app));
            quote!(#(#cfgs)* static #name: __fal::Endpoint = #initializer;)
        });
        let listed = endpoints.iter().zip(&names).map(|(endpoint, name)| {
            let cfgs = &endpoint.cfgs;
            quote!(#(#cfgs)* &#name)
        });
        let markers = endpoints.iter().map(|endpoint| {
            let (cfgs, path) = (&endpoint.cfgs, endpoint.path_marker(app));
            let health_check = endpoint.health_check.as_ref().map(|option| {
                quote_spanned! {option.span.resolved_at(Span::call_site())=>
                    #(#cfgs)* impl __fal::an_app_can_only_have_one_health_check_endpoint for #app {}
                }
            });
            quote!(#(#cfgs)* #path #health_check)
        });
        quote! {
            #(#cfgs)*
            const _: () = {
                use #runtime::__private as __fal;
                use __fal::{ReturnsFallback as _, ProbeUnvalidated as _, BoxedCallFallback as _};
                type __Boxed = __fal::BoxedCall<#app>;
                #(#uses)*
                #(#statics)*
                __fal::inventory::submit! {
                    __fal::Block::of::<#app>(&[#(#listed),*])
                }
                #(#markers)*
            };
        }
    }
}

/// The app that the block belongs to.
fn app(block: &ItemImpl, errors: &mut Errors) -> Option<Path> {
    if let Some((of, _)) = &block.trait_ {
        errors.push(of, "the `impl` block of an app cannot implement a trait: write `impl MyApp { … }`");
        return None;
    }
    if !block.generics.params.is_empty() {
        errors.push(&block.generics, GENERIC);
        return None;
    }
    match ungroup(&block.self_ty) {
        Type::Path(app) if app.qself.is_none() => Some(app.path.clone()),
        other => {
            errors.push(other, "an app must be a struct: write the name of a struct here");
            None
        }
    }
}

/// Reports and removes endpoints with the path of an earlier one, and a second health check. Where a `#[cfg(…)]` may
/// remove one of the two, rustc decides by the marker traits.
fn without_conflicts(endpoints: Vec<Endpoint>, errors: &mut Errors) -> Vec<Endpoint> {
    let mut kept: Vec<Endpoint> = Vec::new();
    for endpoint in endpoints {
        let is_compiled_with = |other: &&Endpoint| other.cfgs.is_empty() && endpoint.cfgs.is_empty();
        let mut earlier = kept.iter().filter(is_compiled_with);
        if let Some(twin) = earlier.clone().find(|other| other.conflicts_with(&endpoint)) {
            let (first, second) = (&twin.path.literal, &endpoint.path.literal);
            let message = format!(
                "`{}` and `{}` have the same path: write a different path or method for one of them",
                twin.name, endpoint.name
            );
            errors.push_between(first.span(), second.span(), message);
            continue;
        }
        if let Some(twin) = earlier.clone().find(|other| other.path.is_renamed(&endpoint.path)) {
            let (first, second) = (&twin.path.literal, &endpoint.path.literal);
            let message = format!(
                "`{}` and `{}` name the parameters of one path differently: write \"{}\" for both",
                twin.name,
                endpoint.name,
                first.value()
            );
            errors.push_between(first.span(), second.span(), message);
            continue;
        }
        if let Some(second) = &endpoint.health_check
            && let Some((other, first)) =
                earlier.find_map(|other| Some((other, other.health_check.as_ref()?)))
        {
            let message = format!(
                "an app can only have one health check endpoint: remove `health_check` from `{}` or from `{}`",
                other.name, endpoint.name
            );
            errors.push_between(first.span, second.span, message);
            continue;
        }
        kept.push(endpoint);
    }
    kept
}

fn attributes(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(item) => &item.attrs,
        ImplItem::Fn(item) => &item.attrs,
        ImplItem::Type(item) => &item.attrs,
        ImplItem::Macro(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether the attribute is a misspelt `#[endpoint]`. rustc reports an attribute that does not exist.
fn is_misspelt_endpoint(Conditional { attribute, .. }: &Conditional) -> bool {
    attribute.path().get_ident().is_some_and(|name| is_misspelt(&name.to_string()))
}

/// Whether a name differs from `endpoint` in one place, by at most two letters.
fn is_misspelt(name: &str) -> bool {
    const RIGHT: &str = "endpoint";
    let start = name.bytes().zip(RIGHT.bytes()).take_while(|(left, right)| left == right).count();
    let end = name.bytes().rev().zip(RIGHT.bytes().rev()).take_while(|(left, right)| left == right).count();
    name.len().abs_diff(RIGHT.len()) <= 2 && name.len().max(RIGHT.len()) <= start + end + 2
}

/// The text of a path, for comparison.
fn key(path: &Path) -> String {
    path.to_token_stream().to_string()
}

/// Whether the attribute is `#[endpoint]`, however it is reached.
fn is_endpoint(Conditional { attribute, .. }: &Conditional) -> bool {
    attribute.path().segments.last().is_some_and(|name| name.ident == "endpoint")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_misspelt_that_differs_from_endpoint_in_one_place() {
        for name in ["endpont", "enpdoint", "endpoints", "endpooint", "eendpoint", "endboint", "enpoint"] {
            assert!(is_misspelt(name), "{name}");
        }
        for name in ["inline", "point", "end", "entry", "endpoinendpoint", "must_use", "endpunkt"] {
            assert!(!is_misspelt(name), "{name}");
        }
    }
}
