//! The methods that an endpoint answers.

use http::Method;

/// The method that an endpoint declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointMethod {
    /// Also answers HEAD.
    GET,
    /// The default.
    POST,
    /// Replaces a resource.
    PUT,
    /// Changes a part of a resource.
    PATCH,
    /// Removes a resource.
    DELETE,
}

impl EndpointMethod {
    /// All of them, in the order of an `allow` header.
    const ALL: [Self; 5] = [Self::DELETE, Self::GET, Self::PATCH, Self::POST, Self::PUT];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::GET => "GET",
            Self::POST => "POST",
            Self::PUT => "PUT",
            Self::PATCH => "PATCH",
            Self::DELETE => "DELETE",
        }
    }

    /// Whether it answers a request with this method.
    pub(crate) fn answers(self, method: &Method) -> bool {
        method.as_str() == self.as_str() || (self == Self::GET && *method == Method::HEAD)
    }
}

/// The value of an `allow` header.
pub(crate) fn allow(methods: &[EndpointMethod]) -> String {
    let allowed = EndpointMethod::ALL.into_iter().filter(|method| methods.contains(method));
    let names: Vec<_> = allowed
        .map(|method| if method == EndpointMethod::GET { "GET, HEAD" } else { method.as_str() })
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allow_header_has_each_method_once_and_head_after_get_s5() {
        use EndpointMethod::{DELETE, GET, POST};
        assert_eq!(allow(&[POST]), "POST");
        assert_eq!(allow(&[POST, GET]), "GET, HEAD, POST");
        assert_eq!(allow(&[GET, DELETE, GET]), "DELETE, GET, HEAD");
    }
}
