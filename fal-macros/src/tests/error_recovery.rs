//! Whatever stands in an item, it is given back: less our attributes, and with errors after it.

use std::fs;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::thread;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree, token_stream};
use quote::quote;

use crate::api_error::derive;
use crate::app::{app, endpoints};
use crate::strip::strip;

/// An item of a fixture that carries one of our attributes.
struct Declared {
    by: By,
    options: TokenStream,
    item: TokenStream,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    App,
    Endpoints,
    Derive,
}

/// Every source file of the apps that the project's own tests and examples declare.
fn fixtures() -> Vec<PathBuf> {
    let project = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut fixtures = Vec::new();
    let mut directories =
        vec![project.join("fal-runtime/tests"), project.join("examples"), project.join("tests")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("the directory is there") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                fixtures.push(path);
            }
        }
    }
    fixtures
}

/// The items with our attributes, wherever they stand: in modules, in functions, and in the text of macros, too.
fn declared(tokens: TokenStream, found: &mut Vec<Declared>) {
    let mut tokens = tokens.into_iter().peekable();
    let mut attributes = Vec::new();
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Punct(pound) if pound.as_char() == '#' => {
                if let Some(TokenTree::Group(brackets)) = tokens.peek()
                    && brackets.delimiter() == Delimiter::Bracket
                {
                    attributes.push(brackets.clone());
                    tokens.next();
                    continue;
                }
            }
            _ => {}
        }
        let ours = attributes.iter().enumerate().find_map(|(at, brackets)| Some((at, ours(brackets)?)));
        let attributes = std::mem::take(&mut attributes);
        if let Some((at, (by, options))) = ours {
            let others =
                attributes.into_iter().enumerate().filter(|(other, _)| *other != at || by == By::Derive);
            let others: TokenStream = others.map(|(_, brackets)| quote!(# #brackets)).collect();
            let rest = rest(token, &mut tokens);
            declared_in(&rest, found);
            found.push(Declared { by, options, item: quote!(#others #rest) });
        } else if let TokenTree::Group(group) = token {
            declared(group.stream(), found);
        }
    }
}

/// The tokens of an item from this one on, to the end of its braces or its semicolon.
fn rest(first: TokenTree, tokens: &mut Peekable<token_stream::IntoIter>) -> TokenStream {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(semicolon) => semicolon.as_char() == ';',
        _ => false,
    };
    let mut item = vec![first];
    while !item.last().is_some_and(is_end) {
        let Some(next) = tokens.next() else { break };
        item.push(next);
    }
    item.into_iter().collect()
}

fn declared_in(item: &TokenStream, found: &mut Vec<Declared>) {
    for token in item.clone() {
        if let TokenTree::Group(group) = token {
            declared(group.stream(), found);
        }
    }
}

/// Which of ours these brackets are, with what stands in its parentheses.
fn ours(brackets: &Group) -> Option<(By, TokenStream)> {
    let mut tokens = brackets.stream().into_iter().peekable();
    let mut name = String::new();
    while let Some(token) = tokens.next_if(|token| !matches!(token, TokenTree::Group(_))) {
        name = token.to_string();
    }
    let options = match tokens.next() {
        Some(TokenTree::Group(options)) => options.stream(),
        _ => TokenStream::new(),
    };
    match name.as_str() {
        "app" => Some((By::App, options)),
        "endpoints" => Some((By::Endpoints, options)),
        "derive" if options.to_string().contains("ApiError") => Some((By::Derive, TokenStream::new())),
        _ => None,
    }
}

/// The tokens one by one, their brackets among them.
fn flat(tokens: TokenStream, flattened: &mut Vec<String>) {
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
        flat(group.stream(), flattened);
        flattened.push(close.into());
    }
}

/// What follows the user's own tokens in an expansion. Panics where these are not all there, or have something of ours
/// among them; only whole `#[endpoint …]` attributes may be gone.
fn after_the_users(user: TokenStream, expanded: TokenStream) -> Vec<String> {
    let [mut before, mut after] = [Vec::new(), Vec::new()];
    flat(user, &mut before);
    flat(expanded, &mut after);
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

/// Whether brackets follow whose path ends in `endpoint`.
fn is_endpoint<'a>(mut tokens: impl Iterator<Item = &'a String>) -> bool {
    if tokens.next().is_none_or(|token| token != "[") {
        return false;
    }
    let is_of_a_path = |token: &&String| *token == ":" || syn::parse_str::<syn::Ident>(token).is_ok();
    tokens.take_while(is_of_a_path).last().is_some_and(|name| name == "endpoint")
}

fn errors(expanded: &str) -> usize {
    expanded.matches("compile_error").count()
}

/// Cuts an item at every token, and expands what is left.
fn cut_everywhere(Declared { by, options, item }: &Declared) -> usize {
    let cuts = cuts(item);
    // The fixtures of mistakes have some there.
    let of_options = match by {
        By::App => errors(
            &app(
                options.clone(),
                quote!(
                    struct MyApp;
                ),
            )
            .to_string(),
        ),
        By::Endpoints => {
            errors(
                &endpoints(
                    options.clone(),
                    quote!(
                        struct MyApp;
                    ),
                )
                .to_string(),
            ) - 1
        }
        By::Derive => 0,
    };
    for cut in &cuts {
        let expanded = match by {
            By::App => app(options.clone(), cut.clone()),
            By::Endpoints => endpoints(options.clone(), cut.clone()),
            By::Derive => {
                derive(cut.clone());
                continue;
            }
        };
        let ours = after_the_users(cut.clone(), expanded).join(" ");
        if syn::parse2::<syn::Item>(cut.clone()).is_err() {
            assert!(ours.starts_with(": : core : : compile_error ! {"), "{cut}\n{ours}");
            assert_eq!(errors(&ours), 1 + of_options, "{cut}\n{ours}");
        }
    }
    cuts.len()
}

#[test]
fn every_item_of_every_fixture_cut_at_any_token_is_given_back() {
    let fixtures = fixtures();
    let read = |fixtures: &[PathBuf]| {
        let (mut items, mut cuts) = ([0, 0, 0], 0);
        for fixture in fixtures {
            let source = fs::read_to_string(fixture).expect("it can be read");
            let tokens = source.parse().expect("it is Rust");
            let mut found = Vec::new();
            declared(tokens, &mut found);
            for declared in &found {
                items[declared.by as usize] += 1;
                cuts += cut_everywhere(declared);
            }
        }
        (items, cuts)
    };
    let (one, other) = fixtures.split_at(fixtures.len() / 2);
    let ([a, b], [c, d]) = thread::scope(|scope| {
        let halves = [one, other].map(|half| scope.spawn(move || read(half)));
        let [one, other] = halves.map(|half| half.join().expect("its items are given back"));
        ([one.0, other.0], [one.1, other.1])
    });
    let [apps, blocks, errors] = [0, 1, 2].map(|by| a[by] + b[by]);
    eprintln!("{apps} apps, {blocks} blocks, {errors} errors, {} cuts", c + d);
    assert!(apps > 200 && blocks > 15 && errors > 20, "they are found: {apps}, {blocks}, {errors}");
}

/// A block with everything that the attributes read.
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

/// The tokens cut at every one of them, in groups, too.
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
        assert!(expanded.contains("App for MyApp"), "{cut}: the app is declared all the same");
    }
}

#[test]
fn what_is_no_block_is_given_back_with_one_error() {
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
