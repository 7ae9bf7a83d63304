//! The values of the label `endpoint`: the paths that the app declares, and `other`.

use matchit::Router;

/// The label of every path that the app does not declare.
pub(crate) const OTHER: &str = "other";

/// One of the endpoints of [`Endpoints`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EndpointIndex(usize);

impl EndpointIndex {
    pub(crate) const fn get(self) -> usize {
        self.0
    }
}

/// The endpoints that requests are counted by. Requests cannot add to them (S82b).
#[derive(Debug)]
pub(super) struct Endpoints {
    /// `other`, and then the declared paths.
    names: Vec<String>,
    /// From a path to the index of its name.
    paths: Router<usize>,
}

impl Endpoints {
    pub(super) fn new(declared: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut endpoints = Self { names: vec![OTHER.to_owned()], paths: Router::new() };
        for path in declared {
            let path = path.into();
            // An error means that the path is there already, or that no server can have it.
            if endpoints.paths.insert(path.clone(), endpoints.names.len()).is_ok() {
                endpoints.names.push(path);
            }
        }
        endpoints
    }

    pub(super) fn of(&self, path: &str) -> EndpointIndex {
        // Servers in other languages declare nothing.
        if self.names.len() == 1 {
            return EndpointIndex::default();
        }
        EndpointIndex(self.paths.at(path).map_or(0, |found| *found.value))
    }

    pub(super) fn name(&self, index: EndpointIndex) -> &str {
        self.names.get(index.0).map_or(OTHER, String::as_str)
    }

    pub(super) fn indices(&self) -> impl Iterator<Item = EndpointIndex> + use<> {
        (0..self.names.len()).map(EndpointIndex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_counts_for_its_declared_endpoint_and_every_other_path_for_other_s82b() {
        let endpoints = Endpoints::new(["/", "/users/{id}", "/users/{id}", "/files/{*rest}"]);
        let name = |path| endpoints.name(endpoints.of(path)).to_owned();
        let paths = ["/", "/users/7", "/files/a/b", "/users/7/x", "/a", "", "/users/"];
        let expected = ["/", "/users/{id}", "/files/{*rest}", "other", "other", "other", "other"];
        assert_eq!(paths.map(name), expected);
        assert_eq!(endpoints.indices().count(), 4);
    }
}
