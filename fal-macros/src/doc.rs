//! The text of doc comments.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, ExprGroup, ExprLit, Lit, Meta};

use crate::conditional::{Conditional, conditionals};

/// The doc comment of an item.
#[derive(Default)]
pub(crate) struct Docs(Vec<Fragment>);

/// The value of one `#[doc = …]`.
struct Fragment {
    cfgs: Vec<Attribute>,
    text: Text,
}

enum Text {
    Literal(String),
    /// A macro call that gives a literal, such as `include_str!("…")`.
    Macro(TokenStream),
}

impl Docs {
    pub(crate) fn from_attributes(attributes: &[Attribute]) -> Self {
        let docs = conditionals(attributes).into_iter().filter(|conditional| conditional.is("doc"));
        Self(docs.filter_map(|conditional| Fragment::from_attribute(&conditional)).collect())
    }

    /// Writes a constant expression of type `&'static str`. Returns `None` where there is no text.
    pub(crate) fn expand(&self) -> Option<TokenStream> {
        let plain: Option<Vec<_>> = self.0.iter().map(Fragment::plain).collect();
        if let Some(lines) = plain {
            let text = lines.join("\n");
            let text = text.trim();
            return (!text.is_empty()).then(|| text.to_token_stream());
        }
        let fragments = self.0.iter().map(|Fragment { cfgs, text }| quote!(#(#cfgs)* #text));
        Some(quote!(__fal::join_docs!(#(#fragments),*)))
    }
}

impl Fragment {
    fn from_attribute(conditional: &Conditional) -> Option<Self> {
        // Another form, such as `#[doc(hidden)]`, has no text.
        let Meta::NameValue(doc) = &conditional.attribute.meta else { return None };
        let mut value = &doc.value;
        while let Expr::Group(ExprGroup { expr, .. }) = value {
            value = expr;
        }
        let text = match value {
            Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => Text::Literal(unindent(&literal.value())),
            Expr::Macro(call) => Text::Macro(call.to_token_stream()),
            // rustc reports any other value.
            _ => return None,
        };
        Some(Self { cfgs: conditional.cfgs().collect(), text })
    }

    /// The text of a literal without conditions.
    fn plain(&self) -> Option<&str> {
        match &self.text {
            Text::Literal(text) if self.cfgs.is_empty() => Some(text),
            Text::Literal(_) | Text::Macro(_) => None,
        }
    }
}

impl ToTokens for Text {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal(text) => text.to_tokens(tokens),
            Self::Macro(call) => call.to_tokens(tokens),
        }
    }
}

/// Removes the space after `///`, and from a block comment the ` * ` before its lines or their common indentation.
fn unindent(text: &str) -> String {
    let Some((first, rest)) = text.split_once('\n') else {
        return text.strip_prefix(' ').unwrap_or(text).to_owned();
    };
    let rest: Vec<&str> = rest.lines().collect();
    let starred: Option<Vec<&str>> = rest
        .iter()
        .map(|line| if line.trim().is_empty() { Some("") } else { line.trim_start().strip_prefix('*') })
        .collect();
    // The first line of a list has a star itself, the first line of a block comment has none.
    let is_list = first.trim_start().starts_with('*');
    let rest = match starred {
        Some(starred) if !is_list => starred,
        // Below a line of text, indentation may be that of a code block.
        _ if !first.trim().is_empty() => return text.strip_prefix(' ').unwrap_or(text).to_owned(),
        _ => rest,
    };
    let lines = rest.iter().filter(|line| !line.trim().is_empty());
    let indentation = lines.map(|line| line.len() - line.trim_start_matches(' ').len()).min().unwrap_or(0);
    let rest = rest.iter().map(|line| line.get(indentation..).unwrap_or_default());
    let lines: Vec<&str> = std::iter::once(first.trim_start()).chain(rest).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use syn::{ItemFn, parse_quote};

    use super::*;

    fn expanded(item: &ItemFn) -> String {
        Docs::from_attributes(&item.attrs).expand().to_token_stream().to_string()
    }

    #[test]
    fn the_lines_of_a_doc_comment_are_one_text() {
        let item = parse_quote! {
            #[doc = " Adds."]
            #[doc = ""]
            #[doc(hidden)]
            #[doc = "     code"]
            fn method() {}
        };
        assert_eq!(expanded(&item), r#""Adds.\n\n    code""#);
        assert_eq!(
            expanded(&parse_quote!(
                fn method() {}
            )),
            ""
        );
        assert_eq!(
            expanded(&parse_quote!(
                #[doc = ""]
                fn method() {}
            )),
            ""
        );
    }

    #[test]
    fn a_macro_call_or_a_condition_is_joined_by_the_compiler() {
        let item = parse_quote! {
            #[doc = " Adds."]
            #[cfg_attr(unix, doc = " On Unix.")]
            #[doc = include_str!("a.md")]
            fn method() {}
        };
        let fragments = quote!(
            "Adds.",
            #[cfg(unix)]
            "On Unix.",
            include_str!("a.md")
        );
        assert_eq!(expanded(&item), quote!(__fal::join_docs!(#fragments)).to_string());
    }

    #[test]
    fn a_block_comment_is_read_without_its_stars_and_indentation() {
        for (text, expected) in [
            ("\n     * Adds.\n     *\n     *   two\n     ", "\nAdds.\n\n  two\n"),
            (" Adds.\n * more\n ", "Adds.\nmore\n"),
            ("\n    Adds.\n\n      two\n    ", "\nAdds.\n\n  two\n"),
            (" Adds.\n\n    code", "Adds.\n\n    code"),
            (" * one\n * two", "* one\n * two"),
            (" Adds. ", "Adds. "),
        ] {
            assert_eq!(unindent(text).trim_end_matches(' '), expected.trim_end_matches(' '), "{text:?}");
        }
    }
}
