//! Types in the invisible groups that `macro_rules!` puts around a `$t:ty`.

use syn::{Type, TypeGroup};

/// The type without the groups around it.
pub(crate) fn ungroup(mut ty: &Type) -> &Type {
    while let Type::Group(TypeGroup { elem, .. }) = ty {
        ty = elem;
    }
    ty
}
