//! One `impl` block of an app: which of its methods are endpoints, and their registration.

use std::collections::BTreeMap;

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Attribute, ImplItem, ItemImpl, Path, Type};

use crate::endpoint::Endpoint;
use crate::lifecycle::{self, Function};
use crate::mistakes::Mistakes;

/// What is said of the generic parameters of an app.
pub(crate) const GENERIC: &str =
    "an app has no generic parameters, since requests come to one type: write the types themselves";

/// One `impl` block of an app, found to be sound: what is not is left out.
pub(crate) struct Block {
    pub(crate) app: Path,
    /// The functions that the runtime calls itself.
    pub(crate) lifecycle: Vec<Function>,
    cfgs: Vec<Attribute>,
    /// The paths by which the block calls `#[endpoint]`.
    attributes: BTreeMap<String, Path>,
    endpoints: Vec<Endpoint>,
}

impl Block {
    /// None where the block cannot be one of an app.
    pub(crate) fn check(block: &ItemImpl, mistakes: &mut Mistakes) -> Option<Self> {
        let app = app(block, mistakes)?;
        let (mut endpoints, mut lifecycle) = (Vec::new(), Vec::new());
        let mut attributes = BTreeMap::new();
        for item in &block.items {
            let ImplItem::Fn(method) = item else {
                for attribute in attributes_of(item).iter().filter(|attribute| is_ours(attribute)) {
                    attributes.entry(text(attribute.path())).or_insert_with(|| attribute.path().clone());
                    mistakes.at(attribute, "an endpoint is a method: write this attribute over one");
                }
                continue;
            };
            lifecycle.extend(lifecycle::check(method));
            let mut ours = method.attrs.iter().filter(|attribute| is_ours(attribute));
            if let Some(attribute) = ours.next() {
                attributes.entry(text(attribute.path())).or_insert_with(|| attribute.path().clone());
                endpoints.extend(Endpoint::check(attribute, method, mistakes));
            }
            if let Some(second) = ours.next() {
                mistakes.at(second, "a method is one endpoint: take this attribute away");
            }
        }
        if attributes.is_empty() && !block.items.iter().flat_map(attributes_of).any(is_misspelt) {
            mistakes.at(
                &block.self_ty,
                "this block has no endpoint: write `#[endpoint(\"/path\")]` over one of its methods",
            );
        }
        let endpoints = distinct(endpoints, mistakes);
        let cfgs = block.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect();
        Some(Self { app, lifecycle, cfgs, attributes, endpoints })
    }

    /// Registers the endpoints. Two of a kind in different blocks are conflicting impls, whose names are the errors
    /// (S1, S2).
    pub(crate) fn expand(&self, runtime: &TokenStream) -> TokenStream {
        let Self { app, cfgs, attributes, endpoints, .. } = self;
        let names: Vec<_> = (0..endpoints.len()).map(|index| format_ident!("ENDPOINT_{index}")).collect();
        let attributes = attributes.values();
        let rows = endpoints.iter().zip(&names).map(|(endpoint, name)| {
            let (cfgs, row) = (&endpoint.cfgs, endpoint.row(app));
            quote!(#(#cfgs)* static #name: __fal::Endpoint = #row;)
        });
        let listed = endpoints.iter().zip(&names).map(|(endpoint, name)| {
            let cfgs = &endpoint.cfgs;
            quote!(#(#cfgs)* &#name)
        });
        let unique = endpoints.iter().map(|endpoint| {
            let (cfgs, hash, place) =
                (&endpoint.cfgs, Literal::u64_unsuffixed(endpoint.path.hash), endpoint.path.literal.span());
            let path = quote_spanned! {place.resolved_at(Span::call_site())=>
                impl __fal::two_endpoints_have_the_same_path<#hash> for #app {}
            };
            let health_check = endpoint.health_check.as_ref().map(|option| {
                let place = option.place.resolved_at(Span::call_site());
                quote_spanned! {place=>
                    #(#cfgs)* impl __fal::an_app_can_only_have_one_health_check_endpoint for #app {}
                }
            });
            quote!(#(#cfgs)* #path #health_check)
        });
        quote! {
            #(#cfgs)*
            const _: () = {
                use #runtime::__private as __fal;
                use __fal::{ReturnsValue as _, Unruled as _, Unshared as _};
                type __Boxed = __fal::Boxed<#app>;
                // The attributes are taken from their methods; what was imported for them is used here.
                #(#[allow(unused_imports)] use #attributes as _;)*
                #(#rows)*
                __fal::inventory::submit! {
                    __fal::Block::of::<#app>(&[#(#listed),*])
                }
                #(#unique)*
            };
        }
    }
}

fn app(block: &ItemImpl, mistakes: &mut Mistakes) -> Option<Path> {
    if let Some((_, of, _)) = &block.trait_ {
        mistakes.at(of, "an app's block implements no trait: write `impl MyApp { … }`");
        return None;
    }
    if !block.generics.params.is_empty() {
        mistakes.at(&block.generics, GENERIC);
        return None;
    }
    match &*block.self_ty {
        Type::Path(app) if app.qself.is_none() => Some(app.path.clone()),
        other => {
            mistakes.at(other, "an app is a struct: write its name here");
            None
        }
    }
}

/// The endpoints less those that another one of the block excludes. Where a `cfg` may take one of two away, rustc
/// decides.
fn distinct(endpoints: Vec<Endpoint>, mistakes: &mut Mistakes) -> Vec<Endpoint> {
    let mut distinct: Vec<Endpoint> = Vec::new();
    for endpoint in endpoints {
        let always = |other: &&Endpoint| other.cfgs.is_empty() && endpoint.cfgs.is_empty();
        let twin = distinct.iter().filter(always).find(|other| other.path.hash == endpoint.path.hash);
        if let Some(twin) = twin {
            let (first, second) = (&twin.path.literal, &endpoint.path.literal);
            let message = format!(
                "`{}` and `{}` have the same path: give one of them another",
                twin.name(),
                endpoint.name()
            );
            mistakes.between(first.span(), second.span(), message);
            continue;
        }
        if let Some(second) = &endpoint.health_check {
            let first =
                distinct.iter().filter(always).find_map(|other| Some((other, other.health_check.as_ref()?)));
            if let Some((other, first)) = first {
                let message = format!(
                    "an app can only have one health check endpoint: take the health check from `{}` or from `{}`",
                    other.name(),
                    endpoint.name()
                );
                mistakes.between(first.place, second.place, message);
                continue;
            }
        }
        distinct.push(endpoint);
    }
    distinct
}

fn attributes_of(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(item) => &item.attrs,
        ImplItem::Fn(item) => &item.attrs,
        ImplItem::Type(item) => &item.attrs,
        ImplItem::Macro(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an attribute may have been meant to be ours: of one that does not exist, rustc says so.
fn is_misspelt(attribute: &Attribute) -> bool {
    let Some(name) = attribute.path().get_ident() else { return false };
    distance(&name.to_string(), "endpoint") <= 2
}

/// How many letters have to be put in, taken out or changed to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut last = at;
        let mut next = vec![at + 1];
        for (other, above) in other.chars().zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or_default();
            next.push((last + usize::from(letter != other)).min(left + 1).min(above + 1));
            last = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// A path, to be compared.
fn text(path: &Path) -> String {
    path.to_token_stream().to_string()
}

fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|name| name.ident == "endpoint")
}
