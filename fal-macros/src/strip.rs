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
        if is_attribute && tokens.next_if(is_endpoint).is_some() {
            continue;
        }
        kept.extend([token]);
    }
    kept
}

/// Whether the token is the brackets of an attribute whose path ends in `endpoint`.
fn is_endpoint(token: &TokenTree) -> bool {
    let TokenTree::Group(brackets) = token else { return false };
    if brackets.delimiter() != Delimiter::Bracket {
        return false;
    }
    let mut path = brackets.stream().into_iter().map_while(|token| match token {
        TokenTree::Ident(name) => Some(Some(name)),
        TokenTree::Punct(colon) if colon.as_char() == ':' => Some(None),
        _ => None,
    });
    path.by_ref().flatten().last().is_some_and(|name| name == "endpoint")
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
}
