//! Validates the signature of an endpoint's method: its receiver, its arguments and its return type.

use quote::ToTokens;
use syn::{
    Attribute, FnArg, ImplItemFn, PatType, ReceiverKind, ReturnType, Type, TypeReference, parse_quote_spanned,
};

use super::types::{
    first_borrow, is_events, is_passed_by_mut, must_be_passed_by_mut, returned_events, source_text,
};
use crate::conditional::cfgs;
use crate::errors::Errors;
use crate::span::call_site_span;
use crate::ungroup::ungroup;

/// The validated signature of an endpoint's method.
pub(super) struct Signature {
    /// The arguments after `&self`.
    pub(super) arguments: Vec<Argument>,
    pub(super) output: Type,
}

/// An argument after `&self`.
pub(super) struct Argument {
    /// Its `#[cfg(…)]` attributes.
    pub(super) cfgs: Vec<Attribute>,
    pub(super) kind: ArgumentKind,
}

pub(super) enum ArgumentKind {
    /// `&mut ResponseHead`, or `&mut` of another name. rustc reports a name that stands for another type.
    ResponseHead(Type),
    /// `&mut Events<T>`, recognized by the name of the type.
    Events(Type),
    /// A type that is extracted from the request.
    Extractor(Type),
}

impl Signature {
    pub(super) fn from_method(method: &ImplItemFn, errors: &mut Errors) -> Option<Self> {
        let signature = &method.sig;
        let mut found = Errors::default();
        if !signature.generics.params.is_empty() {
            found.push(
                &signature.generics,
                "an endpoint cannot have generic parameters: write concrete types instead",
            );
        }
        let mut inputs = signature.inputs.iter();
        match inputs.next() {
            Some(FnArg::Receiver(receiver)) if is_shared(receiver) => {}
            Some(FnArg::Receiver(receiver)) => {
                found.push(
                    receiver,
                    "requests share the app: write `&self`, and put mutable state behind a lock",
                );
            }
            Some(FnArg::Typed(first)) => {
                found.push(first, "missing receiver: write `&self` before this argument");
            }
            None => found.push(&signature.ident, "missing receiver: write `&self` in the parentheses"),
        }
        let mut arguments = Vec::new();
        for input in inputs {
            if let FnArg::Typed(input) = input {
                arguments.extend(argument(input, &arguments, &mut found));
            }
        }
        let output = match &signature.output {
            ReturnType::Default => parse_quote_spanned!(call_site_span(&signature.ident)=> ()),
            ReturnType::Type(_, output) => {
                let output = ungroup(output);
                if let Type::ImplTrait(_) = output {
                    found.push(output, "an endpoint cannot return `impl Trait`: write a concrete type, which the OpenAPI document describes");
                }
                if let Some(events) = returned_events(output) {
                    found.push(events, "an endpoint sends events through an argument: write `events: &mut Events<…>`, and return `()` or `Result<()>`");
                }
                output.clone()
            }
        };
        let is_valid = found.is_empty();
        errors.append(found);
        is_valid.then_some(Self { arguments, output })
    }
}

/// Classifies one argument by its type. `earlier` are those before it.
fn argument(input: &PatType, earlier: &[Argument], errors: &mut Errors) -> Option<Argument> {
    Some(Argument { cfgs: cfgs(&input.attrs), kind: kind(input, earlier, errors)? })
}

fn kind(input: &PatType, earlier: &[Argument], errors: &mut Errors) -> Option<ArgumentKind> {
    let ty = ungroup(&input.ty);
    match ty {
        Type::Reference(reference) if reference.mutability.is_some() => {
            Some(passed_by_mut(input, reference, earlier, errors))
        }
        Type::Reference(reference) => {
            let wanted = match ungroup(&reference.elem) {
                Type::Path(ty) if is_passed_by_mut(&ty.path) => {
                    format!("&mut {}", source_text(&reference.elem))
                }
                Type::Path(ty) if ty.path.is_ident("str") => "String".into(),
                Type::Slice(slice) => format!("Vec<{}>", source_text(&slice.elem)),
                owned => source_text(owned),
            };
            errors.push(&input.ty, format!("unsupported reference: an endpoint takes only `&mut ResponseHead` and `&mut Events<…>` by reference, so write `{wanted}`"));
            None
        }
        Type::Path(owned) if must_be_passed_by_mut(&owned.path) => {
            errors.push(
                &input.ty,
                format!("the runtime passes this by reference: write `&mut {}`", source_text(&input.ty)),
            );
            None
        }
        _ => {
            if let Some(borrow) = first_borrow(ty.to_token_stream()) {
                errors.push(borrow, "an argument cannot borrow: write an owned type");
                return None;
            }
            if matches!(ty, Type::Tuple(tuple) if tuple.elems.is_empty()) {
                errors
                    .push(&input.ty, "an argument of the type `()` takes nothing from a request: remove it");
                return None;
            }
            if matches!(ty, Type::ImplTrait(_)) {
                errors.push(input, "an argument cannot be `impl Trait`: write a concrete type, which decides where the value comes from");
                return None;
            }
            Some(ArgumentKind::Extractor(ty.clone()))
        }
    }
}

/// Classifies a `&mut` argument, and reports a second one.
fn passed_by_mut(
    input: &PatType,
    reference: &TypeReference,
    earlier: &[Argument],
    errors: &mut Errors,
) -> ArgumentKind {
    let ty = ungroup(&reference.elem).clone();
    let kind = if is_events(&ty) { ArgumentKind::Events(ty) } else { ArgumentKind::ResponseHead(ty) };
    let is_conditional = !cfgs(&input.attrs).is_empty();
    if is_conditional && matches!(kind, ArgumentKind::Events(_)) {
        errors.push(
            input,
            "`&mut Events` cannot depend on a `#[cfg(…)]`: write two methods, each with a `#[cfg(…)]`",
        );
    }
    // Where a `#[cfg(…)]` may remove one of two, rustc decides.
    let first = earlier
        .iter()
        .filter(|earlier| earlier.cfgs.is_empty() && !is_conditional)
        .map(|earlier| &earlier.kind)
        .find(|earlier| !matches!(earlier, ArgumentKind::Extractor(_)));
    match (first, &kind) {
        (None, _) => {}
        (Some(ArgumentKind::Events(_)), ArgumentKind::Events(_)) => {
            errors.push(input, "duplicate `&mut Events`: remove this argument");
        }
        (Some(ArgumentKind::Events(_)), _) | (_, ArgumentKind::Events(_)) => errors.push(
            input,
            "`&mut Events` already has the response head: remove one of the two, and write `events.response()` for the head",
        ),
        _ => errors.push(input, "duplicate `&mut` argument: a response has one head, so remove this argument"),
    }
    kind
}

fn is_shared(receiver: &syn::Receiver) -> bool {
    matches!(receiver.kind, ReceiverKind::Reference(_, _, None))
}
