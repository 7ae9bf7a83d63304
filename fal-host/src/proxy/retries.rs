//! Which requests may be sent once more when a runner has lost them (S59).

use http::Method;
use matchit::Router;

/// The requests that the app allows to be sent twice. By default none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Retries {
    /// Whether the methods that HTTP defines as idempotent are allowed, for every path.
    of_methods: bool,
    /// The endpoints that are allowed, by method.
    endpoints: Vec<(Method, Router<()>)>,
}

impl Retries {
    /// Allows requests of these methods and paths. A path may have parameters, such as `/users/{id}`. GET includes HEAD.
    pub(crate) fn new<'a>(of_methods: bool, endpoints: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut retries = Self { of_methods, endpoints: Vec::new() };
        for (method, path) in endpoints {
            retries.allow(method, path);
            if method == "GET" {
                retries.allow("HEAD", path);
            }
        }
        retries
    }

    fn allow(&mut self, method: &str, path: &str) {
        let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
        let found = self.endpoints.iter().position(|(other, _)| *other == method);
        let index = found.unwrap_or_else(|| {
            self.endpoints.push((method, Router::new()));
            self.endpoints.len() - 1
        });
        if let Some((_, paths)) = self.endpoints.get_mut(index) {
            // An error means that the path is there already, or that no server can have it.
            let _ = paths.insert(path, ());
        }
    }

    /// Whether a request may be sent once more.
    pub(super) fn allow_request(&self, method: &Method, path: &str) -> bool {
        let is_idempotent =
            || matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE);
        (self.of_methods && is_idempotent())
            || self.endpoints.iter().any(|(allowed, paths)| allowed == method && paths.at(path).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_app_declares_is_repeated_s59a_s59c() {
        let endpoints =
            [("POST", "/embed"), ("GET", "/users/{id}"), ("GET", "/users/{id}"), ("no method", "/")];
        let declared = Retries::new(false, endpoints);
        let allows = |method: Method, path: &str| declared.allow_request(&method, path);
        assert!(
            allows(Method::POST, "/embed")
                && allows(Method::GET, "/users/7")
                && allows(Method::HEAD, "/users/7")
        );
        assert!(
            !allows(Method::POST, "/")
                && !allows(Method::GET, "/embed")
                && !allows(Method::GET, "/users/7/x")
        );
        assert!(!Retries::default().allow_request(&Method::GET, "/"));
    }

    #[test]
    fn the_idempotent_methods_of_http_are_repeated_for_every_path_s59a() {
        let methods = Retries::new(true, []);
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE] {
            assert!(methods.allow_request(&method, "/any"), "{method}");
        }
        assert!(
            !methods.allow_request(&Method::POST, "/any") && !methods.allow_request(&Method::PATCH, "/any")
        );
    }
}
