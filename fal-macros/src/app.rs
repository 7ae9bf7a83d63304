//! Expands `#[app]` and `#[endpoints]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{Attribute, Ident, Item, Path};

use crate::block::{Block, GENERIC};
use crate::doc::docs;
use crate::lifecycle::Function;
use crate::mistakes::Mistakes;
use crate::options::{Setting, once_each, settings};
use crate::span::respan;
use crate::strip::strip;

/// `#[app(…)]`, on a struct or on an `impl` block.
pub(crate) fn app(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let options = Options::parse(options, &mut mistakes).known(&mut mistakes);
    let declared = match mistakes.keep(syn::parse2::<Item>(item.clone())) {
        Some(Item::Struct(app)) if app.generics.params.is_empty() => {
            Some(declaration(&app.ident.clone().into(), &app.attrs, &options, None))
        }
        Some(Item::Struct(app)) => {
            mistakes.at(&app.generics, GENERIC);
            None
        }
        Some(Item::Impl(block)) => Block::check(&block, &mut mistakes).map(|checked| {
            // Those of other blocks are called all the same, and rustc says what is wrong with them.
            checked.lifecycle.iter().for_each(|function| function.report(&mut mistakes));
            let declaration = declaration(&checked.app, &block.attrs, &options, Some(&checked.lifecycle));
            let endpoints = checked.expand(&options.runtime);
            quote!(#declaration #endpoints)
        }),
        Some(other) => {
            mistakes.at(
                name(&other),
                "an app is a struct: write `#[app]` over the struct or over its `impl` block",
            );
            None
        }
        None => None,
    };
    let item = strip(item);
    quote!(#item #declared #mistakes)
}

/// `#[endpoints]`, on a further block of an app.
pub(crate) fn endpoints(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let Options { settings, runtime } = Options::parse(options, &mut mistakes);
    if let Some(Setting { name, .. }) = settings.first() {
        mistakes.at(name, format!("`{name}` is an option of the whole app: move it to `#[app({name} = …)]`"));
    }
    let declared = match mistakes.keep(syn::parse2::<Item>(item.clone())) {
        Some(Item::Impl(block)) => {
            Block::check(&block, &mut mistakes).map(|checked| checked.expand(&runtime))
        }
        Some(other) => {
            mistakes
                .at(name(&other), "write `#[endpoints]` over an `impl` block of the app: `impl MyApp { … }`");
            None
        }
        None => None,
    };
    let item = strip(item);
    quote!(#item #declared #mistakes)
}

/// Where an item is named, as far as it has a name.
fn name(item: &Item) -> TokenStream {
    match item {
        Item::Enum(item) => item.ident.to_token_stream(),
        Item::Fn(item) => item.sig.ident.to_token_stream(),
        Item::Mod(item) => item.ident.to_token_stream(),
        Item::Struct(item) => item.ident.to_token_stream(),
        Item::Trait(item) => item.ident.to_token_stream(),
        Item::Union(item) => item.ident.to_token_stream(),
        other => other.to_token_stream(),
    }
}

struct Options {
    settings: Vec<Setting>,
    /// The path by which the user's crate knows `fal_runtime`.
    runtime: TokenStream,
}

impl Options {
    fn parse(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let parsed = settings.parse2(tokens);
        let settings = mistakes.keep(parsed).unwrap_or_default();
        let mut runtime = quote!(::fal_runtime);
        let mut settings = once_each(settings, mistakes);
        settings.retain(|setting| {
            let is_runtime = setting.name == "crate";
            if is_runtime {
                runtime.clone_from(&setting.value);
            }
            !is_runtime
        });
        Self { settings, runtime }
    }

    /// Reports options that an app does not have, and leaves the others. rustc would name the nearest one, if there is
    /// one near, and show none of the others.
    fn known(mut self, mistakes: &mut Mistakes) -> Self {
        self.settings.retain(|Setting { name, .. }| {
            let is_known = OPTIONS.iter().any(|option| name == option);
            if !is_known {
                let options = OPTIONS.map(|option| format!("`{option}`")).join(", ");
                mistakes.at(name, format!("an app has no option `{name}`: write one of {options}"));
            }
            is_known
        });
        self
    }
}

/// The setters of `AppOptions` that are options of the attribute; the description is the doc comment.
const OPTIONS: [&str; 8] = [
    "name",
    "version",
    "startup_timeout",
    "termination_grace_period",
    "max_multiplexing",
    "request_timeout",
    "body_limit",
    "cors",
];

/// `lifecycle`: the functions that the block has which `#[app]` stands on, where it stands on one.
fn declaration(
    app: &Path,
    attributes: &[Attribute],
    options: &Options,
    lifecycle: Option<&[Function]>,
) -> TokenStream {
    let Options { settings, runtime } = options;
    let name = app.segments.last().map(|name| kebab_case(&name.ident.to_string()));
    let cfgs = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    let docs = docs(attributes);
    let description = (!docs.is_empty()).then(|| quote!(let options = options.description(#docs);));
    // What is wrong with a function is reported at its name, and its absence at the app's.
    let declared = |name: &str| lifecycle.unwrap_or_default().iter().find(|function| function.name == name);
    let place = |name: &str| {
        let place = declared(name).map_or_else(|| app.span(), |function| function.name.span());
        place.resolved_at(Span::call_site())
    };
    let named = |name: &str| {
        let place = declared(name).map_or_else(|| app.span(), |function| function.name.span());
        let name = Ident::new(name, place);
        respan(&quote!(#app::#name), place)
    };
    // One that cannot be called is reported already.
    let is_sound = |name: &str| declared(name).is_none_or(Function::is_sound);
    let called = |name: &str| {
        if !is_sound(name) {
            return quote!(|_, _| __fal::None);
        }
        let function = named(name);
        quote_spanned!(place(name)=> |app, thread| thread.settle(#function(app)))
    };
    let (handle_exit, teardown) = (called("handle_exit"), called("teardown"));
    let setup = named("setup");
    let setup = if !is_sound("setup") {
        quote!(|_, _| __fal::None)
    } else if lifecycle.is_some() && declared("setup").is_none() {
        // The one of the trait: rustc says once if it cannot be called.
        quote_spanned!(place("setup")=> |thread, _| thread.settle(#setup()))
    } else {
        // What it takes may stand in another block, so its type tells.
        let call = respan(&quote!(__fal::call_setup), app.span());
        quote_spanned!(place("setup")=> |thread, cx| thread.settle(#call(#setup, cx)))
    };
    let layer = if is_sound("layer") { named("layer") } else { quote!(__fal::convert::identity) };
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

/// `MyApp` as `my-app`, `HTTPProxy2` as `http-proxy2`.
fn kebab_case(name: &str) -> String {
    let letters: Vec<char> = name.trim_start_matches("r#").chars().collect();
    let mut kebab = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let ends_a_word = before.is_some_and(|before| !before.is_uppercase() && *before != '_');
        let starts_one = before.is_some() && letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (ends_a_word || starts_one) && !kebab.ends_with('-') {
            kebab.push('-');
        }
        if *letter == '_' {
            kebab.push('-');
        } else {
            kebab.extend(letter.to_lowercase());
        }
    }
    kebab
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_named_after_its_type_in_kebab_case() {
        for (name, kebab) in [
            ("MyApp", "my-app"),
            ("App", "app"),
            ("HTTPProxy", "http-proxy"),
            ("Sd3Turbo", "sd3-turbo"),
            ("My_App", "my-app"),
            ("XY", "xy"),
        ] {
            assert_eq!(kebab_case(name), kebab);
        }
    }
}
