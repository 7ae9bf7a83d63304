//! Checks the signature of an endpoint's method: its receiver, its arguments and its return type.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{FnArg, ImplItemFn, Path, ReturnType, Type, parse_quote_spanned};

use crate::mistakes::Mistakes;
use crate::span::here;

/// An argument after `&self`.
pub(super) enum Argument {
    /// `&mut ResponseHead`: where it is called otherwise, rustc says if it is another type.
    Head(Box<Type>),
    /// `&mut Events<T>`, by the name of its type.
    Events(Box<Type>),
    /// What the type takes from the request.
    Taken(Box<Type>),
}

pub(super) fn signature(method: &ImplItemFn, mistakes: &mut Mistakes) -> Option<(Vec<Argument>, Type)> {
    let signature = &method.sig;
    let mut found = Mistakes::default();
    if !signature.generics.params.is_empty() {
        found.at(
            &signature.generics,
            "an endpoint has no generic parameters: name the types that it takes and returns",
        );
    }
    let mut inputs = signature.inputs.iter();
    match inputs.next() {
        Some(FnArg::Receiver(receiver)) if is_shared(receiver) => {}
        Some(FnArg::Receiver(receiver)) => {
            found.at(receiver, "requests share the app: write `&self`, and put what changes behind a lock");
        }
        Some(FnArg::Typed(first)) => {
            found.at(first, "requests share the app: write `&self` before this argument");
        }
        None => found.at(&signature.ident, "requests share the app: write `&self` in its parentheses"),
    }
    let mut arguments = Vec::new();
    for input in inputs {
        let FnArg::Typed(input) = input else { continue };
        match &*input.ty {
            Type::Reference(lent) if lent.mutability.is_some() => {
                let is_lent = |argument: &&Argument| !matches!(argument, Argument::Taken(_));
                let argument = if is_events(&lent.elem) {
                    Argument::Events(lent.elem.clone())
                } else {
                    Argument::Head(lent.elem.clone())
                };
                match (arguments.iter().find(is_lent), &argument) {
                    (None, _) => {}
                    (Some(Argument::Events(_)), Argument::Events(_)) => {
                        found.at(input, "an endpoint sends one kind of events: take this argument away");
                    }
                    (Some(Argument::Events(_)), _) | (_, Argument::Events(_)) => found.at(
                        input,
                        "the events have the response's head: take one of the two away, and write \
                         `events.response()` for the head",
                    ),
                    _ => found.at(input, "a response has one head: take this argument away"),
                }
                arguments.push(argument);
            }
            Type::Reference(borrowed) => {
                let wanted = match &*borrowed.elem {
                    Type::Path(lent) if is_lent(&lent.path) => format!("&mut {}", text(&borrowed.elem)),
                    Type::Path(lent) if lent.path.is_ident("str") => "String".into(),
                    Type::Slice(slice) => format!("Vec<{}>", text(&slice.elem)),
                    owned => text(owned),
                };
                found.at(&input.ty, format!("write `{wanted}` here: of references, an endpoint takes only `&mut ResponseHead` and `&mut Events<…>`"));
            }
            Type::Path(owned) if is_lent_by_value(&owned.path) => {
                found.at(&input.ty, format!("the runtime lends it: write `&mut {}`", text(&input.ty)));
            }
            _ if let Some(lifetime) = lifetime(input.ty.to_token_stream()) => {
                found.at(lifetime, "an argument is owned: name a type that borrows nothing");
            }
            Type::ImplTrait(_) => {
                found.at(input, "name the type of this argument: it decides where it is taken from");
            }
            _ => arguments.push(Argument::Taken(input.ty.clone())),
        }
    }
    let output = match &signature.output {
        ReturnType::Default => parse_quote_spanned!(here(&signature.ident)=> ()),
        ReturnType::Type(_, output) => {
            if let Type::ImplTrait(_) = **output {
                found.at(output, "name the type of the result: the OpenAPI document describes it");
            }
            (**output).clone()
        }
    };
    let is_sound = found.is_empty();
    mistakes.append(found);
    is_sound.then_some((arguments, output))
}

/// Whether a type is `Events<…>`, however it is reached.
fn is_events(lent: &Type) -> bool {
    matches!(lent, Type::Path(lent) if is_named(&lent.path, "Events"))
}

/// Whether a type is one of those that the runtime lends to an endpoint.
fn is_lent(path: &Path) -> bool {
    is_named(path, "Events") || is_named(path, "ResponseHead")
}

/// Whether it is certainly one of those: an app may have a type of its own that is called `Events`, for a body.
fn is_lent_by_value(path: &Path) -> bool {
    let has_items = path.segments.last().is_some_and(|name| !name.arguments.is_none());
    is_named(path, "ResponseHead") || (is_named(path, "Events") && has_items)
}

pub(super) fn is_named(path: &Path, wanted: &str) -> bool {
    path.segments.last().is_some_and(|name| name.ident == wanted)
}

/// The first lifetime in a type that is not `'static`, or the first reference without one.
fn lifetime(tokens: TokenStream) -> Option<TokenStream> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(and) if and.as_char() == '&' => {
                let is_named =
                    |next: &TokenTree| matches!(next, TokenTree::Punct(quote) if quote.as_char() == '\'');
                if !tokens.peek().is_some_and(is_named) {
                    return Some(quote!(#and));
                }
            }
            TokenTree::Group(group) => {
                if let Some(found) = lifetime(group.stream()) {
                    return Some(found);
                }
            }
            TokenTree::Punct(quote) if quote.as_char() == '\'' => {
                if let Some(TokenTree::Ident(name)) = tokens.next()
                    && name != "static"
                {
                    return Some(quote!(#quote #name));
                }
            }
            _ => {}
        }
    }
    None
}

fn is_shared(receiver: &syn::Receiver) -> bool {
    receiver.colon_token.is_none() && receiver.reference.is_some() && receiver.mutability.is_none()
}

/// A type as it was written.
fn text(written: &Type) -> String {
    let tokens = written.to_token_stream();
    written.span().source_text().unwrap_or_else(|| tokens.to_string())
}
