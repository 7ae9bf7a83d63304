//! Expands `#[app]` and `#[endpoints]`.

mod attribute;
mod declaration;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Item;

use self::attribute::Options;
use self::declaration::declaration;
use crate::errors::Errors;
use crate::impl_block::{GENERIC, ImplBlock};
use crate::options::Setting;
use crate::strip::strip;

/// Expands `#[app(…)]` on a struct or on an `impl` block.
pub(crate) fn app(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let options = Options::parse(options, &mut errors).reject_unknown(&mut errors);
    let declared = match errors.ok_or_push(syn::parse2::<Item>(item.clone())) {
        Some(Item::Struct(app)) if app.generics.params.is_empty() => {
            Some(declaration(&app.ident.clone().into(), &app.attrs, &options, None))
        }
        Some(Item::Struct(app)) => {
            errors.push(&app.generics, GENERIC);
            None
        }
        Some(Item::Impl(block)) => ImplBlock::from_item(&block, &mut errors).map(|checked| {
            // Only here: a method of this name in another block may be the app's own, and rustc checks its call.
            checked.lifecycle.iter().for_each(|method| method.report(&mut errors));
            let declaration = declaration(&checked.app, &block.attrs, &options, Some(&checked.lifecycle));
            let endpoints = checked.expand(&options.runtime);
            quote!(#declaration #endpoints)
        }),
        Some(other) => {
            errors.push(
                name_of(&other),
                "an app must be a struct: write `#[app]` above a struct or above its `impl` block",
            );
            None
        }
        None => None,
    };
    let item = strip(item);
    quote!(#item #declared #errors)
}

/// Expands `#[endpoints]` on a further `impl` block of an app.
pub(crate) fn endpoints(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let Options { settings, runtime } = Options::parse(options, &mut errors);
    if let Some(Setting { name, .. }) = settings.first() {
        errors.push(name, format!("`#[endpoints]` has no option `{name}`: move it to `#[app({name} = …)]`"));
    }
    let declared = match errors.ok_or_push(syn::parse2::<Item>(item.clone())) {
        Some(Item::Impl(block)) => {
            ImplBlock::from_item(&block, &mut errors).map(|checked| checked.expand(&runtime))
        }
        Some(other) => {
            errors.push(
                name_of(&other),
                "`#[endpoints]` must be on an `impl` block: write it above `impl MyApp { … }`",
            );
            None
        }
        None => None,
    };
    let item = strip(item);
    quote!(#item #declared #errors)
}

/// The name of an item, or the whole item where it has none.
fn name_of(item: &Item) -> TokenStream {
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

#[cfg(test)]
mod tests {
    use quote::format_ident;

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
            ("r#MyApp", "my-app"),
        ] {
            let name = format_ident!("{name}");
            let expanded = app(quote!(), quote!(struct #name;)).to_string();
            assert!(expanded.contains(&format!("AppOptions :: new (\"{kebab}\" ,")), "{expanded}");
        }
    }
}
