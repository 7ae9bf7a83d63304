//! The apps and endpoint blocks that are linked into this binary.

use std::any::TypeId;
use std::panic::Location;

use fal_health::HealthCheckSpec;

use super::declaration::Declaration;
use super::traits::App;
use crate::endpoint::Endpoint;
use crate::normal_path::normalize;

/// An app, as `#[app]` registers it.
#[derive(Debug)]
pub struct Registered(pub &'static Declaration);

inventory::collect!(Registered);

/// The endpoints of one `impl` block of an app.
#[derive(Debug)]
pub struct Block {
    app: fn() -> TypeId,
    endpoints: &'static [&'static Endpoint],
    place: &'static Location<'static>,
}

inventory::collect!(Block);

impl Block {
    /// The block at the caller's location.
    #[track_caller]
    pub const fn of<A: App>(endpoints: &'static [&'static Endpoint]) -> Self {
        Self { app: TypeId::of::<A>, endpoints, place: Location::caller() }
    }

    /// The blocks of an app, sorted by file and line, since the linker's order is arbitrary.
    pub(super) fn all(app: TypeId) -> Vec<&'static Self> {
        let mut blocks: Vec<&Self> = Vec::new();
        for block in inventory::iter::<Self>().filter(|block| (block.app)() == app) {
            // Insertion sort: there are few blocks, and a sort's code would be in every program.
            let at = blocks.partition_point(|known| known.place <= block.place);
            blocks.insert(at, block);
        }
        blocks
    }

    pub(super) fn endpoints(&self) -> &'static [&'static Endpoint] {
        self.endpoints
    }
}

impl Declaration {
    /// Every app that is linked into this binary, sorted by name.
    pub fn all() -> Vec<&'static Self> {
        let mut apps: Vec<_> = inventory::iter::<Registered>().map(|registered| registered.0).collect();
        apps.sort_by_key(|app| app.settings.name());
        apps
    }

    /// The endpoints, sorted by file and line.
    pub fn endpoints(&self) -> Vec<&'static Endpoint> {
        Block::all((self.type_id)()).into_iter().flat_map(Block::endpoints).copied().collect()
    }

    /// How a host checks this app's runners. `None` if no endpoint is the health check.
    pub fn health_check(&self) -> Option<HealthCheckSpec> {
        let check = |row: &Endpoint| Some(HealthCheckSpec::post(row.path(), row.health_check()?));
        self.endpoints().into_iter().find_map(check)
    }

    /// The path of the health check.
    pub(crate) fn health_path(&self) -> Option<&'static str> {
        self.endpoints().into_iter().find(|row| row.health_check().is_some()).map(Endpoint::path)
    }

    /// Endpoints that no request can reach or satisfy, a sentence each.
    pub(crate) fn invalid_endpoints(&self) -> Vec<String> {
        let mut problems = self.invalid_extractors();
        problems.extend(conflicting_paths(&self.endpoints()));
        problems
    }

    /// Errors in the declaration that only show at run time, when all blocks and schemas are known: a sentence
    /// each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.invalid_endpoints();
        if self.endpoints().is_empty() {
            problems.push(format!(
                "the app `{}` has no endpoint: write `#[endpoint(\"/path\")]` over a method of an `#[endpoints] impl` block",
                self.settings.name()
            ));
        }
        let name = self.settings.name();
        if Self::all().iter().filter(|app| app.settings.name() == name).count() > 1 {
            problems
                .push(format!("two apps have the name `{name}`: set another with `#[app(name = \"…\")]`"));
        }
        problems
    }
}

/// The endpoints of different blocks that write one path in different ways. A router cannot have both.
fn conflicting_paths(endpoints: &[&Endpoint]) -> Vec<String> {
    let is_parameter = |segment: &str| segment.starts_with('{');
    let are_same = |one: &str, other: &str| {
        let normal = |path: &str| normalize(path).unwrap_or_else(|| path.to_owned());
        let (one, other) = (normal(one), normal(other));
        let mut segments = one.split('/').zip(other.split('/'));
        one.split('/').count() == other.split('/').count()
            && segments.all(|(one, other)| one == other || (is_parameter(one) && is_parameter(other)))
    };
    let mut problems = Vec::new();
    for (index, endpoint) in endpoints.iter().enumerate() {
        let (name, path) = (endpoint.name(), endpoint.path());
        let mut known = endpoints.iter().take(index);
        // Inherent methods have different names, so it is one method.
        if let Some(twin) = known.clone().find(|twin| twin.name() == name) {
            let other = twin.path();
            problems.push(format!("`{name}` is the endpoint of \"{other}\" and of \"{path}\": both of its `cfg_attr` hold, leave one"));
            continue;
        }
        if let Some(twin) = known.find(|twin| twin.path() != path && are_same(twin.path(), path)) {
            let (other, written) = (twin.name(), twin.path());
            problems.push(if path.contains('{') {
                format!("`{other}` and `{name}` name the parameters of one path differently: write \"{written}\" for both")
            } else {
                format!("`{other}` and `{name}` write one path as \"{written}\" and \"{path}\": write the same for both")
            });
        }
    }
    problems
}
