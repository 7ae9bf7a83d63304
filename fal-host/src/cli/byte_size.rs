//! A number of bytes with a unit, as a value of options.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

/// A number of bytes, such as `512M` or `2G`. The units are powers of 1,024.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByteSize(NonZeroU64);

/// The units and the powers of two that they stand for, the largest first.
const UNITS: [(char, u32); 4] = [('T', 40), ('G', 30), ('M', 20), ('K', 10)];

impl ByteSize {
    pub(super) const fn get(self) -> NonZeroU64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit = UNITS.iter().find(|(unit, _)| text.ends_with([*unit, unit.to_ascii_lowercase()]));
        let (number, power) = match unit {
            Some((_, power)) => (text.get(..text.len() - 1).unwrap_or_default(), *power),
            None => (text, 0),
        };
        let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << power));
        let bytes = bytes.and_then(NonZeroU64::new);
        bytes.map(Self).ok_or_else(|| {
            "expected a whole number of bytes above 0, with a unit such as `M` or `G`: write, for example, `2G`"
                .to_owned()
        })
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.get();
        match UNITS.iter().find(|(_, power)| bytes.is_multiple_of(1 << power)) {
            Some((unit, power)) => write!(f, "{}{unit}", bytes >> power),
            None => write!(f, "{bytes}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_read_with_its_unit_and_written_with_the_largest_one() {
        for (text, bytes, written) in [
            ("2G", 2 << 30, "2G"),
            ("512m", 512 << 20, "512M"),
            ("1024K", 1 << 20, "1M"),
            ("1500", 1_500, "1500"),
            ("1T", 1 << 40, "1T"),
        ] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!((size.get().get(), size.to_string().as_str()), (bytes, written));
        }
    }

    #[test]
    fn an_invalid_size_gets_an_example() {
        for text in ["", "0", "0G", "G", "2GB", "-1", "1.5G", "99999999999T", "2 G", "é"] {
            assert!(text.parse::<ByteSize>().unwrap_err().contains("`2G`"), "{text:?}");
        }
    }
}
