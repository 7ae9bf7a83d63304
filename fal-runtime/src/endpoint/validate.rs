use std::any::Any;

use garde::{Report, Validate};

use super::known::{Check, Given};
use super::mistake::Flaw;
use crate::error::Step;

impl<T: Validate + 'static> Given<T>
where
    T::Context: Default,
{
    /// By its own rules.
    pub const CHECK: Option<Check> = Some(check::<T>);
}

fn check<T: Validate + 'static>(value: &dyn Any) -> Vec<Flaw>
where
    T::Context: Default,
{
    match value.downcast_ref::<T>().map(T::validate) {
        Some(Err(report)) => flaws(&report),
        _ => Vec::new(),
    }
}

fn flaws(report: &Report) -> Vec<Flaw> {
    let flaw = |(path, error): &(garde::Path, garde::Error)| Flaw {
        steps: steps(&path.to_string()),
        message: error.message().to_owned(),
    };
    report.iter().map(flaw).collect()
}

/// `items[0].name` as its steps.
fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.split(['.', '[']).filter(|part| !part.is_empty()) {
        let index = part.strip_suffix(']').and_then(|index| index.parse().ok());
        steps.push(index.map_or_else(|| Step::Key(part.to_owned().into()), Step::Index));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_as_keys_and_indices() {
        let key = |name: &'static str| Step::Key(name.into());
        assert_eq!(steps("items[0].name"), [key("items"), Step::Index(0), key("name")]);
        assert_eq!(steps("grid[1][2]"), [key("grid"), Step::Index(1), Step::Index(2)]);
        assert_eq!(steps("[3]"), [Step::Index(3)]);
        assert_eq!(steps(""), []);
    }
}
