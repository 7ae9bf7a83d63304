//! What the macro reads from a type as it is written. It does not know what the names stand for.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{GenericArgument, Path, PathArguments, Type};

use crate::ungroup::ungroup;

/// Primitive types and `String`: a `Path<…>` of one takes one parameter.
const PLAIN: [&str; 17] = [
    "String", "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32",
    "u64", "u128", "usize",
];

/// Whether the last segment of the path is this name.
pub(super) fn is_named(path: &Path, name: &str) -> bool {
    path.segments.last().is_some_and(|segment| segment.ident == name)
}

/// Whether the type is called `Events`.
pub(super) fn is_events(ty: &Type) -> bool {
    matches!(ungroup(ty), Type::Path(ty) if is_named(&ty.path, "Events"))
}

/// Whether the type is called as one that the runtime passes by `&mut`.
pub(super) fn is_passed_by_mut(path: &Path) -> bool {
    is_named(path, "Events") || is_named(path, "ResponseHead")
}

/// Whether the type is certainly one that the runtime passes by `&mut`. An app may have a body type of its own that is
/// called `Events`, without generic arguments.
pub(super) fn must_be_passed_by_mut(path: &Path) -> bool {
    let has_arguments = path.segments.last().is_some_and(|segment| !segment.arguments.is_none());
    is_named(path, "ResponseHead") || (is_named(path, "Events") && has_arguments)
}

/// The `Events<T>` that an endpoint returns by mistake, also inside of a `Result`.
pub(super) fn returned_events(output: &Type) -> Option<&Type> {
    let Type::Path(returned) = ungroup(output) else { return None };
    let last = returned.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    if last.ident == "Events" {
        return Some(output);
    }
    arguments.args.iter().filter(|_| last.ident == "Result").find_map(|argument| match argument {
        GenericArgument::Type(argument) => returned_events(argument),
        _ => None,
    })
}

/// How many path parameters an extractor `Path<…>` takes, where its type shows it: the length of a tuple, or one for
/// a plain value.
pub(super) fn path_value_count(extractor: &Type) -> Option<usize> {
    let Type::Path(path) = extractor else { return None };
    let path = path.path.segments.last().filter(|segment| segment.ident == "Path")?;
    let PathArguments::AngleBracketed(values) = &path.arguments else { return None };
    let GenericArgument::Type(value) = values.args.first()? else { return None };
    match ungroup(value) {
        Type::Tuple(values) => Some(values.elems.len()),
        Type::Path(value) => PLAIN.iter().any(|plain| value.path.is_ident(plain)).then_some(1),
        _ => None,
    }
}

/// The first lifetime that is not `'static`, or the first `&` without a lifetime.
pub(super) fn first_borrow(tokens: TokenStream) -> Option<TokenStream> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(and) if and.as_char() == '&' => {
                let is_lifetime =
                    |next: &TokenTree| matches!(next, TokenTree::Punct(quote) if quote.as_char() == '\'');
                if !tokens.peek().is_some_and(is_lifetime) {
                    return Some(quote!(#and));
                }
            }
            TokenTree::Group(group) => {
                if let Some(found) = first_borrow(group.stream()) {
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

/// The source text of a type.
pub(super) fn source_text(ty: &Type) -> String {
    ty.span().source_text().unwrap_or_else(|| ty.to_token_stream().to_string())
}
