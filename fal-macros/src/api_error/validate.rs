//! Validates an enum and its attributes.

use proc_macro2::TokenStream;
use syn::{Attribute, Data, DeriveInput, Field, Fields, Ident, LitInt, Member, Type, Variant};

use super::ast::{Header, VariantAttribute, parse_runtime};
use crate::errors::Errors;
use crate::format_string::FormatString;

/// A validated `ApiError` enum.
pub(super) struct ApiError {
    pub(super) name: Ident,
    pub(super) runtime: TokenStream,
    pub(super) variants: Vec<ErrorVariant>,
}

/// A validated variant.
pub(super) struct ErrorVariant {
    pub(super) name: Ident,
    pub(super) kind: VariantKind,
    pub(super) source: Option<Source>,
}

/// Where the response and the log line of a variant come from.
pub(super) enum VariantKind {
    /// From the options of the variant.
    Declared {
        status: LitInt,
        /// The text that the client reads.
        detail: Option<FormatString>,
        /// The text of the log line. Default: the `detail`.
        log: Option<FormatString>,
        headers: Vec<Header>,
    },
    /// From the only field, which is an error.
    Transparent(Member),
}

/// The field that holds the cause of a variant.
pub(super) struct Source {
    pub(super) member: Member,
    pub(super) ty: Type,
    /// Whether it is marked `#[from]`: `?` then makes the variant from it.
    pub(super) is_from: bool,
}

impl ApiError {
    /// Validates the input. Returns `None` after an error.
    pub(super) fn from_input(input: &DeriveInput, errors: &mut Errors) -> Option<Self> {
        let Data::Enum(data) = &input.data else {
            errors.push(&input.ident, "an `ApiError` must be an enum: write one variant for each error");
            return None;
        };
        let mut found = Errors::default();
        if !input.generics.params.is_empty() {
            found.push(
                &input.generics,
                "an `ApiError` cannot have generic parameters: write concrete types instead",
            );
        }
        let mut attributes = data.variants.iter().flat_map(|variant| &variant.attrs);
        if let Some(other) = attributes.find(|attribute| attribute.path().is_ident("error")) {
            errors.push(
                other,
                "`ApiError` implements `Display` itself: remove `thiserror::Error` from the derives, and write this \
                 text as `#[api(log = \"…\")]`",
            );
            return None;
        }
        let runtime = parse_runtime(&input.attrs, &mut found);
        let variants: Vec<_> = data
            .variants
            .iter()
            .filter_map(|variant| ErrorVariant::from_variant(variant, &mut found))
            .collect();
        let is_valid = found.is_empty();
        errors.append(found);
        is_valid.then(|| Self { name: input.ident.clone(), runtime, variants })
    }
}

impl ErrorVariant {
    fn from_variant(variant: &Variant, errors: &mut Errors) -> Option<Self> {
        let source = Source::from_fields(&variant.fields, errors);
        let mut ours = variant.attrs.iter().filter(|attribute| attribute.path().is_ident("api"));
        let Some(attribute) = ours.next() else {
            errors.push(
                &variant.ident,
                "missing `#[api(…)]`: write `#[api(status = 404, detail = \"…\")]` above this variant",
            );
            return None;
        };
        if let Some(second) = ours.next() {
            errors.push(second, "duplicate `#[api(…)]`: move its options to the first one");
            return None;
        }
        let kind = errors.ok_or_push(VariantKind::from_attribute(attribute, variant))?;
        Some(Self { name: variant.ident.clone(), kind, source })
    }
}

impl VariantKind {
    fn from_attribute(attribute: &Attribute, variant: &Variant) -> syn::Result<Self> {
        let VariantAttribute { status, detail, log, transparent, headers } =
            VariantAttribute::parse(attribute, &variant.fields)?;
        match (transparent, status) {
            (None, Some(status)) => Ok(Self::Declared { status, detail, log, headers }),
            (None, None) => {
                Err(syn::Error::new_spanned(attribute, "missing status: write `#[api(status = 404, …)]`"))
            }
            (Some(_), None) if detail.is_none() && log.is_none() && headers.is_empty() => {
                let mut members = variant.fields.members();
                match (members.next(), members.next()) {
                    (Some(member), None) => Ok(Self::Transparent(member)),
                    _ => Err(syn::Error::new_spanned(
                        &variant.ident,
                        "a `transparent` variant must have one field, the error: write `Other(#[from] Error)`",
                    )),
                }
            }
            (Some(transparent), _) => Err(syn::Error::new_spanned(
                transparent,
                "`transparent` takes the status and the texts from the field: remove the other options",
            )),
        }
    }
}

impl Source {
    /// Finds the field that is marked `#[source]` or `#[from]`.
    fn from_fields(fields: &Fields, errors: &mut Errors) -> Option<Self> {
        let is = |field: &Field, name| field.attrs.iter().any(|attribute| attribute.path().is_ident(name));
        let marked =
            fields.members().zip(fields).filter(|(_, field)| is(field, "from") || is(field, "source"));
        let mut marked = marked.map(|(member, field)| {
            let source = Self { member, ty: field.ty.clone(), is_from: is(field, "from") };
            (source, field)
        });
        let (source, field) = marked.next()?;
        if let Some((_, second)) = marked.next() {
            errors.push(second, "duplicate cause: remove `#[source]` or `#[from]` from this field");
        } else if source.is_from && fields.len() > 1 {
            errors.push(
                field,
                "`#[from]` needs a variant with one field: write `#[source]`, and construct the variant yourself",
            );
        }
        Some(source)
    }
}
