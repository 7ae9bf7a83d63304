//! Attributes inside `#[cfg_attr(…)]`, with their conditions.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token, parse_quote};

/// An attribute, and the conditions of the `#[cfg_attr(…)]` around it.
pub(crate) struct Conditional {
    pub(crate) conditions: Vec<TokenStream>,
    pub(crate) attribute: Attribute,
}

impl Conditional {
    /// The conditions as `#[cfg(…)]` attributes.
    pub(crate) fn cfgs(&self) -> impl Iterator<Item = Attribute> {
        self.conditions.iter().map(|condition| parse_quote!(#[cfg(#condition)]))
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.attribute.path().is_ident(name)
    }
}

/// Lists the attributes in their order. Those inside a `#[cfg_attr(…)]` stand for it.
pub(crate) fn conditionals(attributes: &[Attribute]) -> Vec<Conditional> {
    let mut found = Vec::new();
    for attribute in attributes {
        collect(attribute, &[], &mut found);
    }
    found
}

fn collect(attribute: &Attribute, conditions: &[TokenStream], found: &mut Vec<Conditional>) {
    let Some((condition, metas)) = cfg_attr(attribute) else {
        found.push(Conditional { conditions: conditions.to_vec(), attribute: attribute.clone() });
        return;
    };
    let conditions = [conditions, &[condition]].concat();
    for meta in metas {
        collect(&Attribute { meta, ..attribute.clone() }, &conditions, found);
    }
}

/// The condition and the attributes of a `#[cfg_attr(…)]`. rustc reports an invalid one.
fn cfg_attr(attribute: &Attribute) -> Option<(TokenStream, Punctuated<Meta, Token![,]>)> {
    let Meta::List(list) = &attribute.meta else { return None };
    if !list.path.is_ident("cfg_attr") {
        return None;
    }
    let mut tokens = list.tokens.clone().into_iter();
    let is_before_comma =
        |token: &TokenTree| !matches!(token, TokenTree::Punct(comma) if comma.as_char() == ',');
    let condition = tokens.by_ref().take_while(is_before_comma).collect();
    Some((condition, Punctuated::parse_terminated.parse2(tokens.collect()).ok()?))
}

/// The attributes that decide whether an item is compiled: `#[cfg(…)]`, also inside `#[cfg_attr(…)]`.
pub(crate) fn cfgs(attributes: &[Attribute]) -> Vec<Attribute> {
    let cfgs = conditionals(attributes).into_iter().filter(|conditional| conditional.is("cfg"));
    let cfgs = cfgs.map(|Conditional { conditions, attribute }| {
        if conditions.is_empty() {
            return attribute;
        }
        let cfg = &attribute.meta;
        parse_quote!(#[cfg_attr(all(#(#conditions),*), #cfg)])
    });
    cfgs.collect()
}

#[cfg(test)]
mod tests {
    use quote::{ToTokens, quote};
    use syn::ItemFn;

    use super::*;

    fn attributes() -> Vec<Attribute> {
        let item: ItemFn = parse_quote! {
            #[doc = "a"]
            #[cfg_attr(unix, doc = "b", cfg_attr(not(test), endpoint("/c")))]
            #[cfg(d)]
            #[cfg_attr(e, cfg(f))]
            #[cfg_attr(1)]
            fn method() {}
        };
        item.attrs
    }

    #[test]
    fn attributes_in_a_cfg_attr_have_its_conditions() {
        let listed = conditionals(&attributes()).into_iter().map(|Conditional { conditions, attribute }| {
            (quote!(#(#conditions),*).to_string(), attribute.meta.to_token_stream().to_string())
        });
        let expected = [
            ("", "doc = \"a\""),
            ("unix", "doc = \"b\""),
            ("unix , not (test)", "endpoint (\"/c\")"),
            ("", "cfg (d)"),
            ("e", "cfg (f)"),
        ];
        let expected = expected.map(|(conditions, meta)| (conditions.to_owned(), meta.to_owned()));
        assert_eq!(listed.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_cfg_in_a_cfg_attr_keeps_its_condition() {
        let cfgs = cfgs(&attributes());
        assert_eq!(quote!(#(#cfgs)*).to_string(), quote!(#[cfg(d)] #[cfg_attr(all(e), cfg(f))]).to_string());
    }
}
