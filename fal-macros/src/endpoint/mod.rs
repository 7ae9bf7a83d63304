//! A method that is an endpoint: its attribute and its signature, checked together.

mod attribute;
mod expand;
mod signature;

use syn::{Attribute, GenericArgument, Ident, ImplItemFn, PathArguments, ReturnType, Type};

use self::attribute::{Arguments, HealthCheckOption};
use self::signature::{Argument, signature};
use crate::doc::docs;
use crate::mistakes::Mistakes;
use crate::options::Setting;
use crate::path::RoutePath;

/// A method that is an endpoint, found to be sound.
pub(crate) struct Endpoint {
    pub(crate) path: RoutePath,
    pub(crate) health_check: Option<HealthCheckOption>,
    pub(crate) cfgs: Vec<Attribute>,
    body_limit: Option<Setting>,
    name: Ident,
    docs: String,
    is_async: bool,
    arguments: Vec<Argument>,
    output: Type,
    /// Whether a result is written: nothing does not fail.
    may_fail: bool,
}

impl Endpoint {
    /// The endpoint that a method with this attribute is; none where there is a mistake.
    pub(crate) fn check(attribute: &Attribute, method: &ImplItemFn, mistakes: &mut Mistakes) -> Option<Self> {
        let arguments = mistakes.keep(Arguments::of(attribute));
        let signature = signature(method, mistakes);
        let Arguments { path, health_check, body_limit } = arguments?;
        let literal = path.clone();
        let path = RoutePath::check(path, mistakes);
        let health_check = health_check
            .map(|option| HealthCheckOption { check: option.check.check(mistakes), place: option.place });
        let path = path?;
        if health_check.is_some() && path.parameters > 0 {
            mistakes.at(literal, "a health check is called at this very path: take its parameters away");
            return None;
        }
        if let (Some(_), Some(limit)) = (&health_check, &body_limit) {
            mistakes.at(&limit.name, "a health check has no body: take `body_limit` away");
            return None;
        }
        let (arguments, output) = signature?;
        for argument in &arguments {
            let Argument::Taken(argument) = argument else { continue };
            let (count, names) = (values_of_path(argument), path.parameters);
            if let Some(count) = count.filter(|count| names > 0 && *count != names) {
                let message = format!(
                    "this takes {count} of the path's parameters, which has {names}: write as many here"
                );
                mistakes.at(argument, message);
                return None;
            }
        }
        let endpoint = Self {
            path,
            health_check,
            body_limit,
            cfgs: method.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect(),
            name: method.sig.ident.clone(),
            docs: docs(&method.attrs),
            is_async: method.sig.asyncness.is_some(),
            arguments,
            output,
            may_fail: matches!(method.sig.output, ReturnType::Type(..)),
        };
        if let (Some(_), Some(events)) = (&endpoint.health_check, endpoint.events()) {
            mistakes.at(events, "a health check does not stream: return its answer instead");
            return None;
        }
        Some(endpoint)
    }

    pub(crate) fn name(&self) -> &Ident {
        &self.name
    }

    fn taken(&self) -> impl Iterator<Item = &Type> {
        self.arguments.iter().filter_map(|argument| match argument {
            Argument::Taken(taken) => Some(&**taken),
            Argument::Head(_) | Argument::Events(_) => None,
        })
    }

    fn events(&self) -> Option<&Type> {
        self.arguments.iter().find_map(|argument| match argument {
            Argument::Events(events) => Some(&**events),
            Argument::Head(_) | Argument::Taken(_) => None,
        })
    }
}

/// How many parameters a `Path<…>` takes, where its type shows it: a tuple as many as it has, a plain value one.
fn values_of_path(taken: &Type) -> Option<usize> {
    let Type::Path(path) = taken else { return None };
    let path = path.path.segments.last().filter(|path| path.ident == "Path")?;
    let PathArguments::AngleBracketed(values) = &path.arguments else { return None };
    match values.args.first()? {
        GenericArgument::Type(Type::Tuple(values)) => Some(values.elems.len()),
        GenericArgument::Type(Type::Path(value)) => {
            let plain =
                ["String", "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8"];
            let plain = plain.iter().chain(&["u16", "u32", "u64", "u128", "usize"]);
            plain.into_iter().any(|plain| value.path.is_ident(plain)).then_some(1)
        }
        _ => None,
    }
}
