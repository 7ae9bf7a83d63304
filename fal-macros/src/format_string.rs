//! The `detail` and `log` texts of an `ApiError`: format strings with the fields of a variant.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{Fields, Ident, LitStr, Member};

/// A format string with fields of a variant: `there is no model {name}`.
pub(crate) struct FormatString {
    /// The string as written.
    pub(crate) literal: LitStr,
    /// The string with the variable of each field in its placeholder: `{0}` is `{field0}`.
    format: String,
    fields: Vec<Member>,
}

impl FormatString {
    /// Parses a format string. Its placeholders name fields of the variant.
    pub(crate) fn parse(literal: LitStr, fields: &Fields) -> syn::Result<Self> {
        let text = literal.value();
        let error = |message: String| syn::Error::new(literal.span(), message);
        let (mut format, mut used) = (String::new(), Vec::new());
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
                return Err(error("unclosed `{`: write `{field}`, or `{{` for the character".into()));
            };
            let (name, style) = placeholder.split_at(placeholder.find(':').unwrap_or(placeholder.len()));
            let member = fields.members().find(|member| member_text(member) == name);
            let Some(member) = member else { return Err(error(unknown_field(name, fields))) };
            format.push_str(&binding(&member).to_string());
            format.push_str(style);
            format.push('}');
            if !used.contains(&member) {
                used.push(member);
            }
            rest = after;
        }
        format.push_str(rest);
        Ok(Self { literal, format, fields: used })
    }

    /// The pattern that binds the fields of the placeholders.
    pub(crate) fn pattern(&self) -> TokenStream {
        Self::pattern_of(std::iter::once(self))
    }

    /// The pattern that binds the fields of the placeholders of several strings, each once.
    pub(crate) fn pattern_of<'a>(texts: impl Iterator<Item = &'a Self>) -> TokenStream {
        let mut fields: Vec<&Member> = Vec::new();
        for member in texts.flat_map(|text| &text.fields) {
            if !fields.contains(&member) {
                fields.push(member);
            }
        }
        let fields = fields.into_iter().map(|member| {
            let binding = binding(member);
            quote!(#member: ref #binding,)
        });
        quote!({ #(#fields)* .. })
    }

    /// The arguments of a formatting macro, for the fields that the pattern binds.
    pub(crate) fn arguments(&self) -> TokenStream {
        let bindings = self.fields.iter().map(binding);
        let format = LitStr::new(&self.format, self.literal.span());
        quote!(#format #(, #bindings = #bindings)*)
    }
}

/// The variable that a field is bound to.
fn binding(member: &Member) -> Ident {
    match member {
        Member::Named(name) => name.clone(),
        Member::Unnamed(index) => format_ident!("field{}", index.index),
    }
}

/// The field as a placeholder names it.
fn member_text(member: &Member) -> String {
    member.to_token_stream().to_string()
}

/// The message for a placeholder that names no field.
fn unknown_field(name: &str, fields: &Fields) -> String {
    let fields: Vec<_> = fields.members().map(|member| format!("`{{{}}}`", member_text(&member))).collect();
    match (name, fields.as_slice()) {
        (_, []) => {
            format!("unknown field `{{{name}}}`: the variant has no fields, so remove the placeholder")
        }
        ("", _) => format!("placeholder without a field: write {}", fields.join(" or ")),
        _ => format!("unknown field `{{{name}}}`: write {}", fields.join(" or ")),
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn arguments(text: &str) -> Result<String, String> {
        let variant: syn::Variant = parse_quote!(Busy(u32, String));
        let literal = LitStr::new(text, proc_macro2::Span::call_site());
        let parsed = FormatString::parse(literal, &variant.fields);
        parsed.map(|parsed| parsed.arguments().to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn each_field_is_bound_once_by_its_name() {
        assert_eq!(arguments("plain").unwrap(), r#""plain""#);
        assert_eq!(arguments("{0} of {0}").unwrap(), r#""{field0} of {field0}" , field0 = field0"#);
        assert_eq!(arguments("{1:?} {{0}}").unwrap(), r#""{field1:?} {{0}}" , field1 = field1"#);
    }

    #[test]
    fn a_placeholder_without_a_field_is_rejected() {
        assert_eq!(arguments("{2}").unwrap_err(), "unknown field `{2}`: write `{0}` or `{1}`");
        assert_eq!(arguments("{}").unwrap_err(), "placeholder without a field: write `{0}` or `{1}`");
        assert_eq!(arguments("{0").unwrap_err(), "unclosed `{`: write `{field}`, or `{{` for the character");
    }
}
