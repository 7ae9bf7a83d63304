use garde::{Report, Validate};
use serde_json::Value;

use super::argument::Rules;
use super::explain::{BODY, at};
use super::known::Given;
use super::mistake::Told;
use super::{Argument, Call, Taking};
use crate::Error;
use crate::error::Step;

impl<T: Validate> Given<T>
where
    T::Context: Default,
{
    /// Takes it from the request, by its own rules.
    pub fn take<'a, 'c, M>(call: &'a mut Call<'c>) -> Taking<'a, 'c, T>
    where
        T: Argument<M>,
    {
        T::take::<Validated>(call)
    }
}

/// The rules are garde's.
#[derive(Debug)]
pub(super) enum Validated {}

impl<T: Validate> Rules<T> for Validated
where
    T::Context: Default,
{
    fn broken(value: &T, call: &mut Call<'_>) -> Option<Error> {
        call.end().or_else(|| value.validate().err().map(|report| flawed(&report, call.reader.body())))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the body breaks {count} of its type's own rules, first of all: {first}")]
struct Flawed {
    count: usize,
    first: String,
}

/// The body is what the endpoint takes, but for these rules of its type's.
#[cold]
fn flawed(report: &Report, body: &[u8]) -> Error {
    let whole = serde_json::from_slice(body).unwrap_or_default();
    let tell = |(path, error): &(garde::Path, garde::Error)| {
        let (loc, input) = sent(&whole, steps(&path.to_string()));
        Told::rule(error.message()).at(loc, input)
    };
    let list: Vec<_> = report.iter().map(tell).collect();
    let first = report.iter().next().map(|(_, error)| error.message().to_owned()).unwrap_or_default();
    Error::invalid(Flawed { count: list.len(), first }, list)
}

/// The way to a value of the type, as the client has sent it, and what stands there. The type's rules know a field by its
/// own name; where that is none of the body's keys, it is the one that is written in another case.
fn sent(whole: &Value, steps: Vec<Step>) -> (Vec<Step>, Value) {
    let (mut loc, mut value) = (vec![BODY], whole);
    for mut step in steps {
        if let (Step::Key(field), Value::Object(object)) = (&step, value)
            && !object.contains_key(field.as_ref())
            && let Some(key) = object.keys().find(|key| caseless(key) == caseless(field))
        {
            step = Step::Key(key.clone().into());
        }
        value = at(value, &step);
        loc.push(step);
    }
    (loc, value.clone())
}

/// A name without what `rename_all` changes.
fn caseless(name: &str) -> String {
    name.replace(['_', '-'], "").to_lowercase()
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
