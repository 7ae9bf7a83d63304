//! Error recovery: an item is given back to rustc without our attributes and with errors after it, even where it does not
//! parse.

use std::fs;
use std::path::PathBuf;
use std::thread;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;

use super::fixtures::{Fixture, Macro, find_fixtures, source_files};
use crate::api_error::derive;
use crate::app::{app, endpoints};
use crate::strip::strip;

/// Lists the tokens, with the brackets of groups as tokens.
fn flatten(tokens: TokenStream, flattened: &mut Vec<String>) {
    for token in tokens {
        let TokenTree::Group(group) = token else {
            flattened.push(token.to_string());
            continue;
        };
        let [open, close] = match group.delimiter() {
            Delimiter::Parenthesis => ["(", ")"],
            Delimiter::Brace => ["{", "}"],
            Delimiter::Bracket => ["[", "]"],
            Delimiter::None => ["", ""],
        };
        flattened.push(open.into());
        flatten(group.stream(), flattened);
        flattened.push(close.into());
    }
}

/// Returns the tokens after the user's own in an expansion. Panics where the user's tokens are not all there in their order:
/// only whole `#[endpoint …]` attributes may be missing.
fn tokens_after_users(user: TokenStream, expanded: TokenStream) -> Vec<String> {
    let [mut before, mut after] = [Vec::new(), Vec::new()];
    flatten(user, &mut before);
    flatten(expanded, &mut after);
    let mut kept = after.iter();
    let mut tokens = before.iter().peekable();
    let mut around = Vec::new();
    while let Some(token) = tokens.next() {
        if around == ["{"] && token == "#" && is_endpoint(tokens.clone()) {
            let mut open = 0_usize;
            for token in tokens.by_ref() {
                match token.as_str() {
                    "[" | "(" | "{" => open += 1,
                    "]" | ")" | "}" => open -= 1,
                    _ => {}
                }
                if open == 0 {
                    break;
                }
            }
            continue;
        }
        match token.as_str() {
            open @ ("{" | "(" | "[") => around.push(open),
            "}" | ")" | "]" => {
                around.pop();
            }
            _ => {}
        }
        assert_eq!(Some(token), kept.next(), "{}\n{}", before.join(" "), after.join(" "));
    }
    kept.cloned().collect()
}

/// Whether brackets follow with a path that ends in `endpoint`, or with a `cfg_attr` that has nothing but such paths.
fn is_endpoint<'a>(mut tokens: impl Iterator<Item = &'a String>) -> bool {
    if tokens.next().is_none_or(|token| token != "[") {
        return false;
    }
    let is_in_path = |token: &&String| *token == ":" || syn::parse_str::<syn::Ident>(token).is_ok();
    let mut tokens = tokens.peekable();
    let mut name = None;
    while let Some(token) = tokens.next_if(is_in_path) {
        name = Some(token);
    }
    match name {
        Some(name) if name == "cfg_attr" => {
            let attribute = tokens.skip_while(|token| *token != ",").skip(1);
            attribute.take_while(is_in_path).last().is_some_and(|name| name == "endpoint")
        }
        name => name.is_some_and(|name| name == "endpoint"),
    }
}

fn error_count(expanded: &str) -> usize {
    expanded.matches("compile_error").count()
}

/// Cuts an item at every token and expands the part before the cut. Returns how many cuts there were.
fn expand_cuts(Fixture { by, options, item }: &Fixture) -> usize {
    let cuts = cuts(item);
    // Fixtures of mistakes have errors in the options.
    let of_options = match by {
        Macro::App => error_count(
            &app(
                options.clone(),
                quote!(
                    struct MyApp;
                ),
            )
            .to_string(),
        ),
        Macro::Endpoints => {
            error_count(
                &endpoints(
                    options.clone(),
                    quote!(
                        struct MyApp;
                    ),
                )
                .to_string(),
            ) - 1
        }
        Macro::Derive => 0,
    };
    for cut in &cuts {
        let expanded = match by {
            Macro::App => app(options.clone(), cut.clone()),
            Macro::Endpoints => endpoints(options.clone(), cut.clone()),
            Macro::Derive => {
                derive(cut.clone());
                continue;
            }
        };
        let ours = tokens_after_users(cut.clone(), expanded).join(" ");
        if syn::parse2::<syn::Item>(cut.clone()).is_err() {
            assert!(ours.starts_with(": : core : : compile_error ! {"), "{cut}\n{ours}");
            assert_eq!(error_count(&ours), 1 + of_options, "{cut}\n{ours}");
        }
    }
    cuts.len()
}

#[test]
fn every_item_of_every_fixture_cut_at_any_token_is_given_back() {
    let files = source_files();
    let expand = |files: &[PathBuf]| {
        let (mut items, mut cuts) = ([0, 0, 0], 0);
        for file in files {
            let source = fs::read_to_string(file).expect("it can be read");
            let tokens = source.parse().expect("it is Rust");
            let mut found = Vec::new();
            find_fixtures(tokens, &mut found);
            for fixture in &found {
                items[fixture.by as usize] += 1;
                cuts += expand_cuts(fixture);
            }
        }
        (items, cuts)
    };
    let (one, other) = files.split_at(files.len() / 2);
    let ([a, b], [c, d]) = thread::scope(|scope| {
        let halves = [one, other].map(|half| scope.spawn(move || expand(half)));
        let [one, other] = halves.map(|half| half.join().expect("its items are given back"));
        ([one.0, other.0], [one.1, other.1])
    });
    let [apps, blocks, errors] = [0, 1, 2].map(|by| a[by] + b[by]);
    eprintln!("{apps} apps, {blocks} blocks, {errors} errors, {} cuts", c + d);
    assert!(apps > 200 && blocks > 15 && errors > 20, "they are found: {apps}, {blocks}, {errors}");
}

/// A block with everything that the attributes parse.
fn block() -> TokenStream {
    quote! {
        #[doc = "An app."]
        impl MyApp {
            async fn setup() -> Result<Self> { Ok(Self) }

            #[doc = "Predicts."]
            #[endpoint("/users/{id}")]
            async fn predict(&self, id: Path<u64>, input: Input, response: &mut ResponseHead) -> Result<Output> {
                self.model.run(input)
            }

            #[cfg(unix)]
            #[fal_runtime::endpoint("/health", health_check = HealthCheck { timeout_seconds: 5, .. })]
            fn health(&self) {}

            #[endpoint("/other", HealthCheck<timeout_seconds = { 5 }, ..>)]
            fn other(&self) {}

            fn teardown(self) {}
        }
    }
}

/// The parts of the tokens before each of them, in groups, too.
fn cuts(tokens: &TokenStream) -> Vec<TokenStream> {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut cuts = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = || tokens[..at].iter().cloned();
        cuts.push(before().collect());
        if let TokenTree::Group(group) = token {
            cuts.extend(self::cuts(&group.stream()).into_iter().map(|inner| {
                let cut = Group::new(group.delimiter(), inner);
                before().chain([TokenTree::Group(cut)]).collect()
            }));
        }
    }
    cuts
}

#[test]
fn an_item_cut_at_any_token_is_given_back() {
    let cuts = cuts(&block());
    assert!(cuts.len() > 100);
    for cut in cuts {
        let kept = strip(cut.clone()).to_string();
        for expanded in [app(quote!(), cut.clone()), endpoints(quote!(), cut.clone())] {
            assert!(expanded.to_string().starts_with(&kept), "{cut}\n{expanded}");
        }
    }
}

#[test]
fn options_cut_at_any_token_are_errors_and_the_item_stays() {
    let options =
        quote!(name = "my-app", max_multiplexing = { 1 + 3 }, startup_timeout = -600, crate = ::fal);
    for cut in cuts(&options) {
        let expanded = app(cut.clone(), block()).to_string();
        assert!(expanded.starts_with(&strip(block()).to_string()), "{cut}\n{expanded}");
        assert!(expanded.contains("App for MyApp"), "{cut}: the app is still declared");
    }
}

#[test]
fn an_item_other_than_a_block_is_given_back_with_one_error() {
    for item in [
        quote!(
            enum MyApp {
                A,
            }
        ),
        quote!(
            trait MyApp {}
        ),
        quote!(
            fn my_app() {}
        ),
        quote!(impl X for MyApp {}),
    ] {
        let expanded = app(quote!(), item.clone()).to_string();
        assert!(expanded.starts_with(&item.to_string()), "{expanded}");
        assert_eq!(expanded.matches("compile_error").count(), 1, "{expanded}");
    }
}
