//! The methods that the runtime calls by their names: `setup`, `handle_exit`, `teardown` and `layer`.

use syn::ext::IdentExt;
use syn::{FnArg, Ident, ImplItemFn, Receiver, ReceiverKind, Signature};

use crate::errors::Errors;

/// A method that the runtime calls by its name.
pub(crate) struct LifecycleMethod {
    pub(crate) name: Ident,
    /// The expected signature, where the method's arguments do not fit it. rustc checks the return type.
    expected: Option<&'static str>,
}

impl LifecycleMethod {
    /// Recognizes a lifecycle method by its name.
    pub(crate) fn from_method(method: &ImplItemFn) -> Option<Self> {
        let signature = &method.sig;
        let name = signature.ident.unraw();
        let (is_valid, expected) = match name.to_string().as_str() {
            "setup" => {
                (is_setup(signature), "fn setup() -> Result<Self>` or `fn setup(cx: &Setup) -> Result<Self>")
            }
            "handle_exit" => (takes_only(signature, is_shared_self), "fn handle_exit(&self)"),
            "teardown" => (takes_only(signature, is_owned_self), "fn teardown(self)"),
            "layer" => {
                let is_function = signature.asyncness.is_none() && takes_only(signature, is_typed);
                (is_function, "fn layer(router: Router) -> Router")
            }
            _ => return None,
        };
        Some(Self { name, expected: (!is_valid).then_some(expected) })
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.expected.is_none()
    }

    /// Adds an error where the runtime cannot call the method.
    pub(crate) fn report(&self, errors: &mut Errors) {
        let Self { name, expected } = self;
        if let Some(expected) = expected {
            let message = format!(
                "invalid signature for `{name}`, which the runtime calls: write `{expected}`, or rename the method"
            );
            errors.push(name, message);
        }
    }
}

/// Whether it takes nothing, or one argument, which rustc checks to be a `&Setup`.
fn is_setup(signature: &Signature) -> bool {
    signature.inputs.is_empty() || takes_only(signature, is_typed)
}

fn takes_only(signature: &Signature, is_valid: fn(&FnArg) -> bool) -> bool {
    signature.inputs.len() == 1 && signature.inputs.first().is_some_and(is_valid)
}

fn is_typed(argument: &FnArg) -> bool {
    matches!(argument, FnArg::Typed(_))
}

fn is_shared_self(argument: &FnArg) -> bool {
    matches!(argument, FnArg::Receiver(Receiver { kind: ReceiverKind::Reference(_, _, None), .. }))
}

fn is_owned_self(argument: &FnArg) -> bool {
    matches!(argument, FnArg::Receiver(Receiver { kind: ReceiverKind::Value, .. }))
}
