//! Checks an enum and its attributes: what the impls are written from.

use proc_macro2::TokenStream;
use syn::{Attribute, Data, DeriveInput, Field, Fields, Ident, LitInt, Member, Type, Variant};

use super::ast::{VariantAttribute, runtime};
use crate::mistakes::Mistakes;
use crate::template::Template;

/// An enum of errors, found to be sound.
pub(super) struct ApiError {
    pub(super) name: Ident,
    pub(super) runtime: TokenStream,
    pub(super) failures: Vec<Failure>,
}

/// One variant.
pub(super) struct Failure {
    pub(super) variant: Ident,
    pub(super) told: Told,
    pub(super) source: Option<Source>,
}

/// What a variant is to the client and to the log.
pub(super) enum Told {
    Declared {
        status: LitInt,
        /// What the client reads.
        detail: Option<Template>,
        /// What the log has; what the client reads where there is none.
        log: Option<Template>,
    },
    /// Whatever its only field is.
    Transparent(Member),
}

/// The field that is the cause of a variant.
pub(super) struct Source {
    pub(super) member: Member,
    pub(super) ty: Type,
    /// Whether `?` makes the variant of it.
    pub(super) is_from: bool,
}

impl ApiError {
    pub(super) fn check(input: &DeriveInput, mistakes: &mut Mistakes) -> Option<Self> {
        let Data::Enum(data) = &input.data else {
            mistakes.at(&input.ident, "write an enum: each variant of an `ApiError` is one failure");
            return None;
        };
        let mut found = Mistakes::default();
        if !input.generics.params.is_empty() {
            found
                .at(&input.generics, "an `ApiError` has no generic parameters: name the types of its fields");
        }
        let mut variants = data.variants.iter().flat_map(|variant| &variant.attrs);
        if let Some(other) = variants.find(|attribute| attribute.path().is_ident("error")) {
            mistakes.at(
                other,
                "an `ApiError` writes its own `Display`: derive it without `thiserror::Error`, and put this text \
                 into `#[api(log = \"…\")]`",
            );
            return None;
        }
        let runtime = runtime(&input.attrs, &mut found);
        let failures: Vec<_> =
            data.variants.iter().filter_map(|variant| Failure::check(variant, &mut found)).collect();
        let is_sound = found.is_empty();
        mistakes.append(found);
        is_sound.then(|| Self { name: input.ident.clone(), runtime, failures })
    }
}

impl Failure {
    fn check(variant: &Variant, mistakes: &mut Mistakes) -> Option<Self> {
        let source = Source::find(&variant.fields, mistakes);
        let mut ours = variant.attrs.iter().filter(|attribute| attribute.path().is_ident("api"));
        let Some(attribute) = ours.next() else {
            mistakes.at(
                &variant.ident,
                "say what clients are told: write `#[api(status = 404, detail = \"…\")]` over this variant",
            );
            return None;
        };
        if let Some(second) = ours.next() {
            mistakes.at(second, "a variant has one `#[api(…)]`: put their options into the first");
            return None;
        }
        let told = mistakes.keep(Told::check(attribute, variant))?;
        Some(Self { variant: variant.ident.clone(), told, source })
    }
}

impl Told {
    fn check(attribute: &Attribute, variant: &Variant) -> syn::Result<Self> {
        let VariantAttribute { status, detail, log, transparent } =
            VariantAttribute::parse(attribute, &variant.fields)?;
        match (transparent, status) {
            (None, Some(status)) => Ok(Self::Declared { status, detail, log }),
            (None, None) => Err(syn::Error::new_spanned(
                attribute,
                "say with which status: write `#[api(status = 404, …)]`",
            )),
            (Some(_), None) if detail.is_none() && log.is_none() => {
                let mut members = variant.fields.members();
                match (members.next(), members.next()) {
                    (Some(member), None) => Ok(Self::Transparent(member)),
                    _ => Err(syn::Error::new_spanned(
                        &variant.ident,
                        "a transparent variant has one field, the error: write `Other(#[from] Error)`",
                    )),
                }
            }
            (Some(transparent), _) => Err(syn::Error::new_spanned(
                transparent,
                "what a transparent variant tells is its field's to say: take the other options away",
            )),
        }
    }
}

impl Source {
    fn find(fields: &Fields, mistakes: &mut Mistakes) -> Option<Self> {
        let is = |field: &Field, name| field.attrs.iter().any(|attribute| attribute.path().is_ident(name));
        let marked =
            fields.members().zip(fields).filter(|(_, field)| is(field, "from") || is(field, "source"));
        let mut marked = marked.map(|(member, field)| {
            let source = Self { member, ty: field.ty.clone(), is_from: is(field, "from") };
            (source, field)
        });
        let (source, field) = marked.next()?;
        if let Some((_, second)) = marked.next() {
            mistakes.at(second, "a failure has one cause: take this attribute away");
        } else if source.is_from && fields.len() > 1 {
            mistakes.at(
                field,
                "`?` knows nothing of the other fields: write `#[source]` here, and make the variant yourself",
            );
        }
        Some(source)
    }
}
