use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    Attribute, Data, DeriveInput, Expr, ExprLit, Field, Fields, Ident, Lit, LitInt, Member, Meta, Type,
    Variant,
};

use crate::mistakes::Mistakes;
use crate::template::Template;

/// `#[derive(ApiError)]`, on an enum.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let derived = mistakes.keep(syn::parse2::<DeriveInput>(input)).and_then(|input| {
        let checked = ApiError::check(&input, &mut mistakes);
        checked.map(|error| error.expand()).or_else(|| stand_in(&input))
    });
    quote!(#derived #mistakes)
}

/// An enum of errors, found to be sound.
struct ApiError {
    name: Ident,
    runtime: TokenStream,
    failures: Vec<Failure>,
}

/// One variant.
struct Failure {
    variant: Ident,
    told: Told,
    source: Option<Source>,
}

/// What a variant is to the client and to the log.
enum Told {
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
struct Source {
    member: Member,
    ty: Type,
    /// Whether `?` makes the variant of it.
    is_from: bool,
}

impl ApiError {
    fn check(input: &DeriveInput, mistakes: &mut Mistakes) -> Option<Self> {
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

    fn expand(&self) -> TokenStream {
        let Self { name, runtime, failures } = self;
        let declared = failures.iter().filter_map(Failure::declared);
        let shown = failures.iter().map(|failure| failure.shown(name));
        let details = failures.iter().filter_map(|failure| failure.detail(name));
        let ends = failures.iter().map(|failure| failure.end(name));
        let from = failures.iter().filter_map(|failure| failure.from(name));
        quote! {
            const _: () = {
                use #runtime::__private as __fal;
                impl __fal::ApiError for #name {
                    const FAILURES: &'static [__fal::DeclaredFailure] = &[#(#declared),*];
                }
                impl ::core::fmt::Display for #name {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        match *self { #(#shown,)* }
                    }
                }
                impl ::core::convert::From<#name> for __fal::Error {
                    fn from(error: #name) -> Self {
                        let log = ::std::string::ToString::to_string(&error);
                        let detail: ::core::option::Option<::std::string::String> = match error {
                            #(#details,)*
                            #[allow(unreachable_patterns)]
                            _ => ::core::option::Option::None,
                        };
                        match error { #(#ends,)* }
                    }
                }
                #(#from)*
            };
        }
    }
}

/// What an error with a mistake is where it is used: one all the same, so that rustc has nothing more to say of it. One that
/// derives `thiserror::Error` is an error already.
fn stand_in(input: &DeriveInput) -> Option<TokenStream> {
    let Data::Enum(data) = &input.data else { return None };
    let mut attributes = data.variants.iter().flat_map(|variant| &variant.attrs);
    if attributes.any(|attribute| attribute.path().is_ident("error")) {
        return None;
    }
    let runtime = runtime(&input.attrs, &mut Mistakes::default());
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    Some(quote! {
        const _: () = {
            use #runtime::__private as __fal;
            impl #generics __fal::ApiError for #name #arguments #bounds {
                const FAILURES: &'static [__fal::DeclaredFailure] = &[];
            }
            impl #generics ::core::fmt::Display for #name #arguments #bounds {
                fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    ::core::result::Result::Ok(())
                }
            }
            impl #generics ::core::convert::From<#name #arguments> for __fal::Error #bounds {
                fn from(_: #name #arguments) -> Self {
                    __fal::Error::msg("")
                }
            }
        };
    })
}

/// `#[api(crate = path)]` on the enum: where `fal_runtime` is, if it is called otherwise.
fn runtime(attributes: &[Attribute], mistakes: &mut Mistakes) -> TokenStream {
    let mut runtime = quote!(::fal_runtime);
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("api")) {
        mistakes.keep(attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("over the enum stands only `crate = path`: write this over a variant"));
            }
            runtime = meta.value()?.parse::<syn::Path>()?.into_token_stream();
            Ok(())
        }));
    }
    runtime
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

    /// What the document tells of it.
    fn declared(&self) -> Option<TokenStream> {
        let Told::Declared { status, detail, .. } = &self.told else { return None };
        let detail = detail.as_ref().map_or_else(|| quote!(""), |detail| detail.literal.to_token_stream());
        Some(quote!(__fal::DeclaredFailure::new(#status, #detail)))
    }

    /// The arm of `Display`.
    fn shown(&self, name: &Ident) -> TokenStream {
        let variant = &self.variant;
        match &self.told {
            Told::Transparent(member) => {
                quote!(#name::#variant { #member: ref error } => ::core::fmt::Display::fmt(error, f))
            }
            Told::Declared { log: Some(text), .. } | Told::Declared { detail: Some(text), .. } => {
                let (pattern, arguments) = (text.pattern(), text.arguments());
                quote!(#name::#variant #pattern => ::core::write!(f, #arguments))
            }
            Told::Declared { .. } => {
                let words = words(&variant.to_string());
                quote!(#name::#variant { .. } => f.write_str(#words))
            }
        }
    }

    /// The arm of what the client reads.
    fn detail(&self, name: &Ident) -> Option<TokenStream> {
        let variant = &self.variant;
        let Told::Declared { detail: Some(text), log: own_log, .. } = &self.told else { return None };
        if own_log.is_none() {
            // It has been made for the log already.
            let log = quote!(::core::clone::Clone::clone(&log));
            return Some(quote!(#name::#variant { .. } => ::core::option::Option::Some(#log)));
        }
        let (pattern, arguments) = (text.pattern(), text.arguments());
        Some(quote! {
            #name::#variant #pattern => ::core::option::Option::Some(::std::format!(#arguments))
        })
    }

    /// The arm of the conversion.
    fn end(&self, name: &Ident) -> TokenStream {
        let variant = &self.variant;
        let cause = self.source.as_ref().map(|source| {
            let (ty, place) = (&source.ty, source.ty.span());
            let cause = quote_spanned!(place=> __fal::cause::<#ty>);
            quote!(#cause(source))
        });
        match (&self.told, &self.source) {
            (Told::Transparent(member), _) => {
                quote!(#name::#variant { #member: error } => ::core::convert::Into::into(error))
            }
            (Told::Declared { status, .. }, Some(Source { member, .. })) => quote! {
                #name::#variant { #member: source, .. } => {
                    let source = #cause;
                    __fal::told(#status, __fal::Told { log, detail, source })
                }
            },
            (Told::Declared { status, .. }, None) => quote! {
                #name::#variant { .. } => {
                    let source = ::core::option::Option::None;
                    __fal::told(#status, __fal::Told { log, detail, source })
                }
            },
        }
    }

    /// The conversion that `?` uses.
    fn from(&self, name: &Ident) -> Option<TokenStream> {
        let Self { variant, source, .. } = self;
        let Source { member, ty, .. } = source.as_ref().filter(|source| source.is_from)?;
        Some(quote! {
            impl ::core::convert::From<#ty> for #name {
                fn from(source: #ty) -> Self {
                    #name::#variant { #member: source }
                }
            }
        })
    }
}

impl Told {
    fn check(attribute: &Attribute, variant: &Variant) -> syn::Result<Self> {
        let (mut status, mut detail, mut log, mut transparent) = (None, None, None, None);
        let is_list = matches!(&attribute.meta, Meta::List(list) if list.parse_args::<Lit>().is_err());
        if !is_list {
            let message = "name the status: write `#[api(status = 404, detail = \"…\")]`";
            return Err(syn::Error::new_spanned(attribute, message));
        }
        attribute.parse_nested_meta(|meta| {
            let place = &meta.path;
            let is_given_twice = if place.is_ident("status") {
                status.replace(self::status(meta.value()?)?).is_some()
            } else if place.is_ident("detail") {
                detail.replace(Template::check(meta.value()?.parse()?, &variant.fields)?).is_some()
            } else if place.is_ident("log") {
                log.replace(Template::check(meta.value()?.parse()?, &variant.fields)?).is_some()
            } else if place.is_ident("transparent") {
                transparent.replace(place.clone()).is_some()
            } else {
                let message =
                    "a variant has no such option: write `status`, `detail` and `log`, or `transparent`";
                return Err(meta.error(message));
            };
            if is_given_twice { Err(meta.error("this is given twice: take one away")) } else { Ok(()) }
        })?;
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

fn status(value: syn::parse::ParseStream<'_>) -> syn::Result<LitInt> {
    let mistake = "a failure's status is from 400 to 599: write a number, as in `status = 404`";
    match value.parse::<Expr>()? {
        Expr::Lit(ExprLit { lit: Lit::Int(status), .. })
            if matches!(status.base10_parse::<u16>(), Ok(400..=599)) =>
        {
            Ok(status)
        }
        other => Err(syn::Error::new_spanned(other, mistake)),
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

/// `IndexLost` as `index lost`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.trim_start_matches("r#").chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(input: TokenStream) -> Vec<String> {
        let text = derive(input).to_string();
        let told = text.split("compile_error ! { \"").skip(1);
        told.map(|told| told.split("\" }").next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn every_mistake_is_told_once_with_what_to_write() {
        for (input, told) in [
            (
                quote!(
                    struct Failed;
                ),
                "write an enum: each variant of an `ApiError` is one failure",
            ),
            (
                quote!(
                    enum E {
                        A,
                    }
                ),
                "say what clients are told: write `#[api(status = 404, detail = \\\"…\\\")]` over this variant",
            ),
            (
                quote!(
                    enum E {
                        #[api()]
                        A,
                    }
                ),
                "say with which status: write `#[api(status = 404, …)]`",
            ),
            (
                quote!(
                    enum E {
                        #[api(status = 200)]
                        A,
                    }
                ),
                "a failure's status is from 400 to 599: write a number, as in `status = 404`",
            ),
            (
                quote!(
                    enum E {
                        #[api(status = "404")]
                        A,
                    }
                ),
                "a failure's status is from 400 to 599: write a number, as in `status = 404`",
            ),
            (
                quote!(
                    enum E {
                        #[api(status = 404, text = "a")]
                        A,
                    }
                ),
                "a variant has no such option: write `status`, `detail` and `log`, or `transparent`",
            ),
            (
                quote!(
                    enum E {
                        #[api(status = 404, detail = "{a}")]
                        A,
                    }
                ),
                "the variant has no field `{a}`, nor any other: take it away",
            ),
            (
                quote!(
                    enum E {
                        #[api(transparent)]
                        A,
                    }
                ),
                "a transparent variant has one field, the error: write `Other(#[from] Error)`",
            ),
            (
                quote!(
                    enum E {
                        #[api(transparent, status = 404)]
                        A(Error),
                    }
                ),
                "what a transparent variant tells is its field's to say: take the other options away",
            ),
            (
                quote!(
                    enum E {
                        #[api(status = 404)]
                        A(#[from] X, u8),
                    }
                ),
                "`?` knows nothing of the other fields: write `#[source]` here, and make the variant yourself",
            ),
            (
                quote!(
                    enum E<T> {
                        #[api(status = 404)]
                        A(T),
                    }
                ),
                "an `ApiError` has no generic parameters: name the types of its fields",
            ),
        ] {
            assert_eq!(mistakes(input.clone()), [told], "{input}");
        }
    }

    #[test]
    fn what_it_writes_is_readable() {
        let expansion = derive(quote! {
            enum PredictError {
                #[api(status = 404, detail = "there is no model `{name}`")]
                UnknownModel { name: String },
                #[api(status = 503, log = "no index on {0}")]
                IndexLost(String, #[source] std::io::Error),
                #[api(transparent)]
                Other(#[from] Error),
            }
        });
        let file = syn::parse2(expansion).expect("the expansion is a file of items");
        insta::assert_snapshot!(prettyplease::unparse(&file));
    }
}
