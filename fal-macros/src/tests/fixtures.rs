//! Finds the items with our macros in the project's own tests and examples.

use std::fs;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree, token_stream};
use quote::quote;

/// An item of a fixture with one of our macros on it.
pub(super) struct Fixture {
    pub(super) by: Macro,
    pub(super) options: TokenStream,
    pub(super) item: TokenStream,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Macro {
    App,
    Endpoints,
    Derive,
}

/// The source files of the project's tests and examples.
pub(super) fn source_files() -> Vec<PathBuf> {
    let project = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut files = Vec::new();
    let mut directories =
        vec![project.join("fal-runtime/tests"), project.join("examples"), project.join("tests")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("the directory is there") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// Finds the items with our macros on them, in modules, functions and macro calls, too.
pub(super) fn find_fixtures(tokens: TokenStream, found: &mut Vec<Fixture>) {
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
        let ours = attributes.iter().enumerate().find_map(|(at, brackets)| Some((at, our_macro(brackets)?)));
        let attributes = std::mem::take(&mut attributes);
        if let Some((at, (by, options))) = ours {
            let others =
                attributes.into_iter().enumerate().filter(|(other, _)| *other != at || by == Macro::Derive);
            let others: TokenStream = others.map(|(_, brackets)| quote!(# #brackets)).collect();
            let rest = rest_of_item(token, &mut tokens);
            find_in_groups(&rest, found);
            found.push(Fixture { by, options, item: quote!(#others #rest) });
        } else if let TokenTree::Group(group) = token {
            find_fixtures(group.stream(), found);
        }
    }
}

/// The tokens of an item from this one on, to its braces or its semicolon.
fn rest_of_item(first: TokenTree, tokens: &mut Peekable<token_stream::IntoIter>) -> TokenStream {
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

fn find_in_groups(item: &TokenStream, found: &mut Vec<Fixture>) {
    for token in item.clone() {
        if let TokenTree::Group(group) = token {
            find_fixtures(group.stream(), found);
        }
    }
}

/// Our macro that these brackets name, with its options.
fn our_macro(brackets: &Group) -> Option<(Macro, TokenStream)> {
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
        "app" => Some((Macro::App, options)),
        "endpoints" => Some((Macro::Endpoints, options)),
        "derive" if options.to_string().contains("ApiError") => Some((Macro::Derive, TokenStream::new())),
        _ => None,
    }
}
