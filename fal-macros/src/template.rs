//! The `detail` and `log` texts of an `ApiError`: format strings over the fields of a variant.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{Fields, Ident, LitStr, Member};

/// A text with fields of a variant in it: `there is no model {name}`.
pub(crate) struct Template {
    /// As it was written.
    pub(crate) literal: LitStr,
    /// The same, each tuple field by a name that it is bound to.
    format: String,
    fields: Vec<Member>,
}

impl Template {
    /// The text, or what is wrong with it.
    pub(crate) fn check(literal: LitStr, of: &Fields) -> syn::Result<Self> {
        let text = literal.value();
        let mistake = |message: String| syn::Error::new(literal.span(), message);
        let (mut format, mut fields) = (String::new(), Vec::new());
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            format.push_str(before);
            format.push('{');
            if let Some(after) = after.strip_prefix('{') {
                format.push('{');
                rest = after;
                continue;
            }
            let Some((placeholder, after)) = after.split_once('}') else {
                return Err(mistake(
                    "a `{` is not closed: write `{field}`, or `{{` for the character".into(),
                ));
            };
            let (name, style) = placeholder.split_at(placeholder.find(':').unwrap_or(placeholder.len()));
            let member = of.members().find(|member| text_of(member) == name);
            let Some(member) = member else { return Err(mistake(no_field(name, of))) };
            format.push_str(&binding(&member).to_string());
            format.push_str(style);
            format.push('}');
            if !fields.contains(&member) {
                fields.push(member);
            }
            rest = after;
        }
        format.push_str(rest);
        Ok(Self { literal, format, fields })
    }

    /// The fields that are in it, as a pattern binds them.
    pub(crate) fn pattern(&self) -> TokenStream {
        let fields = self.fields.iter().map(|member| {
            let binding = binding(member);
            quote!(#member: ref #binding,)
        });
        quote!({ #(#fields)* .. })
    }

    /// What a formatting macro takes, where the fields are bound.
    pub(crate) fn arguments(&self) -> TokenStream {
        let bindings = self.fields.iter().map(binding);
        let format = LitStr::new(&self.format, self.literal.span());
        quote!(#format #(, #bindings = #bindings)*)
    }
}

/// The name that a field is bound to.
fn binding(member: &Member) -> Ident {
    match member {
        Member::Named(name) => name.clone(),
        Member::Unnamed(index) => format_ident!("field{}", index.index),
    }
}

fn text_of(member: &Member) -> String {
    member.to_token_stream().to_string()
}

fn no_field(name: &str, of: &Fields) -> String {
    let fields: Vec<_> = of.members().map(|member| format!("`{{{}}}`", text_of(&member))).collect();
    match (name, fields.as_slice()) {
        (_, []) => format!("the variant has no field `{{{name}}}`, nor any other: take it away"),
        ("", _) => format!("name the field: write {}", fields.join(" or ")),
        _ => format!("the variant has no field `{{{name}}}`: write {}", fields.join(" or ")),
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn check(text: &str) -> Result<String, String> {
        let variant: syn::Variant = parse_quote!(Busy(u32, String));
        let literal = LitStr::new(text, proc_macro2::Span::call_site());
        let template = Template::check(literal, &variant.fields);
        template.map(|template| template.arguments().to_string()).map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn fields_are_bound_by_name_each_once() {
        assert_eq!(check("plain").unwrap(), r#""plain""#);
        assert_eq!(check("{0} of {0}").unwrap(), r#""{field0} of {field0}" , field0 = field0"#);
        assert_eq!(check("{1:?} {{0}}").unwrap(), r#""{field1:?} {{0}}" , field1 = field1"#);
    }

    #[test]
    fn a_field_that_is_not_there_is_told() {
        assert_eq!(check("{2}").unwrap_err(), "the variant has no field `{2}`: write `{0}` or `{1}`");
        assert_eq!(check("{}").unwrap_err(), "name the field: write `{0}` or `{1}`");
        assert_eq!(
            check("{0").unwrap_err(),
            "a `{` is not closed: write `{field}`, or `{{` for the character"
        );
    }
}
