//! The bounds of integer types.

/// The minimum and maximum of an integer type, by the type's name as serde and axum write it, including the nonzero
/// types. `None` if JSON has no number for them.
pub(crate) fn bounds(name: &str) -> Option<(i64, u64)> {
    macro_rules! bounds {
        ($($signed:ident $unsigned:ident $nonzero:literal;)*) => {
            match name {
                $(stringify!($signed) => Some(($signed::MIN as i64, $signed::MAX as u64)),
                stringify!($unsigned) => Some((0, $unsigned::MAX as u64)),
                $nonzero => Some((1, $unsigned::MAX as u64)),)*
                _ => None,
            }
        };
    }
    #[expect(clippy::cast_lossless, reason = "the widest have to be cast")]
    {
        bounds! {
            i8 u8 "a nonzero u8";
            i16 u16 "a nonzero u16";
            i32 u32 "a nonzero u32";
            i64 u64 "a nonzero u64";
            isize usize "a nonzero usize";
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_has_its_own_ends() {
        assert_eq!(bounds("i8"), Some((-128, 127)));
        assert_eq!(bounds("u64"), Some((0, u64::MAX)));
        assert_eq!(bounds("a nonzero u16"), Some((1, 65_535)));
        for other in ["u128", "f32", "a nonzero i8", ""] {
            assert_eq!(bounds(other), None, "{other}");
        }
    }
}
