//! Removes `#[endpoint]` attributes from an item, even from one that does not parse.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Removes the `#[endpoint(…)]` attributes of the methods, which stand directly in the braces of the item.
///
/// It works on tokens: an item that does not parse is still given back to rustc.
pub(crate) fn strip(item: TokenStream) -> TokenStream {
    item.into_iter()
        .map(|token| match token {
            TokenTree::Group(block) if block.delimiter() == Delimiter::Brace => {
                let mut stripped = Group::new(Delimiter::Brace, strip_methods(block.stream()));
                stripped.set_span(block.span());
                TokenTree::Group(stripped)
            }
            other => other,
        })
        .collect()
}

fn strip_methods(tokens: TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut kept = TokenStream::new();
    while let Some(token) = tokens.next() {
        let is_attribute = matches!(&token, TokenTree::Punct(pound) if pound.as_char() == '#');
        let brackets = tokens.next_if(|next| is_attribute && is_group(next, Delimiter::Bracket));
        let Some(TokenTree::Group(brackets)) = brackets else {
            kept.extend([token]);
            continue;
        };
        if let Some(attribute) = strip_attribute(brackets.stream()) {
            let mut stripped = Group::new(Delimiter::Bracket, attribute);
            stripped.set_span(brackets.span());
            kept.extend([token, TokenTree::Group(stripped)]);
        }
    }
    kept
}

/// Removes the attribute if its path ends in `endpoint`, also inside `cfg_attr(…)`. Returns what is left.
fn strip_attribute(attribute: TokenStream) -> Option<TokenStream> {
    let mut tokens = attribute.clone().into_iter();
    let path = tokens.by_ref().map_while(|token| match token {
        TokenTree::Ident(name) => Some(Some(name)),
        TokenTree::Punct(colon) if colon.as_char() == ':' => Some(None),
        _ => None,
    });
    let name = path.flatten().last();
    if name.as_ref().is_some_and(|name| name == "endpoint") {
        return None;
    }
    let arguments = attribute.clone().into_iter().nth(1);
    match arguments {
        Some(TokenTree::Group(arguments)) if name.is_some_and(|name| name == "cfg_attr") => {
            let stripped = strip_cfg_attr(arguments.stream())?;
            let mut group = Group::new(arguments.delimiter(), stripped);
            group.set_span(arguments.span());
            Some(attribute.into_iter().take(1).chain([TokenTree::Group(group)]).collect())
        }
        _ => Some(attribute),
    }
}

/// Strips the attributes after the condition. Returns `None` where `endpoint` was the only one.
fn strip_cfg_attr(arguments: TokenStream) -> Option<TokenStream> {
    let tokens: Vec<TokenTree> = arguments.into_iter().collect();
    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(comma) if comma.as_char() == ',');
    let mut parts = tokens.split_inclusive(is_comma);
    let mut kept: Vec<TokenTree> = parts.next().unwrap_or_default().to_vec();
    let (mut before, mut after) = (0, 0);
    for part in parts {
        before += 1;
        if let Some(stripped) = strip_attribute(part.iter().cloned().collect()) {
            after += 1;
            kept.extend(stripped);
        }
    }
    (before == 0 || after > 0).then(|| kept.into_iter().collect())
}

fn is_group(token: &TokenTree, delimiter: Delimiter) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == delimiter)
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn endpoint_attributes_are_removed_and_everything_else_is_kept() {
        let item = quote! {
            #[doc = "kept"]
            impl MyApp {
                #[endpoint("/", health_check = HealthCheck)]
                #[cfg(kept)]
                #[fal_runtime::endpoint("/b")]
                async fn predict(&self) { #[endpoint] let inner = 1; }
            }
        };
        let stripped = quote! {
            #[doc = "kept"]
            impl MyApp {
                #[cfg(kept)]
                async fn predict(&self) { #[endpoint] let inner = 1; }
            }
        };
        assert_eq!(strip(item).to_string(), stripped.to_string());
    }

    #[test]
    fn an_item_that_does_not_parse_is_given_back() {
        let broken = quote!(impl MyApp { # [endpoint("/")] async fn (&self -> ) });
        assert_eq!(strip(broken).to_string(), quote!(impl MyApp { async fn (&self -> ) }).to_string());
        assert_eq!(strip(quote!(impl MyApp { # })).to_string(), quote!(impl MyApp { # }).to_string());
    }

    #[test]
    fn an_endpoint_attribute_in_a_cfg_attr_is_removed_from_it() {
        let item = quote! {
            impl MyApp {
                #[cfg_attr(unix, endpoint("/"))]
                #[cfg_attr(unix, doc = "kept", fal_runtime::endpoint("/a"), cfg_attr(all(), endpoint("/b")), allow(unused))]
                #[cfg_attr(unix)]
                fn predict(&self) {}
            }
        };
        let stripped = quote! {
            impl MyApp {
                #[cfg_attr(unix, doc = "kept", allow(unused))]
                #[cfg_attr(unix)]
                fn predict(&self) {}
            }
        };
        assert_eq!(strip(item).to_string(), stripped.to_string());
    }
}
