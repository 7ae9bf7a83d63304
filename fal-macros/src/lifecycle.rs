//! The methods that the runtime calls by their names: `setup`, `handle_exit`, `teardown` and `layer`.

use syn::{FnArg, Ident, ImplItemFn, Signature};

use crate::mistakes::Mistakes;

/// A method that the runtime calls itself.
pub(crate) struct Function {
    pub(crate) name: Ident,
    /// How the runtime calls it, where it cannot be called so. What it returns is rustc's to check.
    called: Option<&'static str>,
}

impl Function {
    pub(crate) fn is_sound(&self) -> bool {
        self.called.is_none()
    }

    pub(crate) fn report(&self, mistakes: &mut Mistakes) {
        let Self { name, called } = self;
        if let Some(called) = called {
            let message =
                format!("the runtime calls `{name}` itself, as `{called}`: write it so, or rename it");
            mistakes.at(name, message);
        }
    }
}

/// The lifecycle function that a method is, by its name.
pub(crate) fn check(method: &ImplItemFn) -> Option<Function> {
    let signature = &method.sig;
    let first = signature.inputs.first();
    let takes_only = |is_right: bool| is_right && signature.inputs.len() == 1;
    let (is_right, written) = match signature.ident.to_string().as_str() {
        "setup" => (takes_setup(signature), "setup() -> Result<Self>` or `setup(cx: &Setup) -> Result<Self>"),
        "handle_exit" => (takes_only(is_self(first, Passed::Shared)), "handle_exit(&self)"),
        "teardown" => (takes_only(is_self(first, Passed::Owned)), "teardown(self)"),
        "layer" => {
            let is_function = matches!(first, Some(FnArg::Typed(_))) && signature.asyncness.is_none();
            (takes_only(is_function), "layer(router: Router) -> Router")
        }
        _ => return None,
    };
    Some(Function { name: signature.ident.clone(), called: (!is_right).then_some(written) })
}

/// Nothing, or `&Setup`, which rustc tells from other types.
fn takes_setup(signature: &Signature) -> bool {
    let mut inputs = signature.inputs.iter();
    let is_right = inputs.next().is_none_or(|input| matches!(input, FnArg::Typed(_)));
    is_right && inputs.next().is_none()
}

#[derive(Clone, Copy, PartialEq)]
enum Passed {
    Shared,
    Owned,
}

fn is_self(argument: Option<&FnArg>, passed: Passed) -> bool {
    let Some(FnArg::Receiver(receiver)) = argument else { return false };
    let is_shared = receiver.reference.is_some() && receiver.mutability.is_none();
    let is_owned = receiver.reference.is_none();
    receiver.colon_token.is_none() && if passed == Passed::Shared { is_shared } else { is_owned }
}
