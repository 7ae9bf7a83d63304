//! Who may change the host through the admin interface (S88).

use std::fmt;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{Method, Request, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Json, Response};
use serde_json::json;
use subtle::ConstantTimeEq;

/// The fewest characters of a token.
const MIN_TOKEN_LEN: usize = 16;

/// The secret of an operator who changes the host over TCP.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken(String);

/// A token that can be guessed.
#[derive(Debug, thiserror::Error)]
#[error(
    "the admin token has {length} characters, and needs at least {MIN_TOKEN_LEN} that are visible ASCII: make one with \
     `openssl rand -hex 16`"
)]
pub struct WeakTokenError {
    length: usize,
}

impl AdminToken {
    /// A token of at least 16 visible ASCII characters.
    ///
    /// # Errors
    ///
    /// When it is shorter, or has other characters.
    pub fn new(token: impl Into<String>) -> Result<Self, WeakTokenError> {
        let token = token.into();
        let is_valid = token.len() >= MIN_TOKEN_LEN && token.bytes().all(|byte| byte.is_ascii_graphic());
        if is_valid { Ok(Self(token)) } else { Err(WeakTokenError { length: token.chars().count() }) }
    }

    /// Takes as long for any wrong token of the same length.
    fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(***)")
    }
}

/// What a listener of the admin interface allows.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    /// Everything: only the host's user can connect.
    Full,
    /// Everything with the token, and reading without.
    Token(AdminToken),
    /// Reading.
    ReadOnly,
}

impl Access {
    pub(crate) fn over_tcp(token: Option<AdminToken>) -> Self {
        token.map_or(Self::ReadOnly, Self::Token)
    }

    /// The response to a request that may not change the host.
    fn refusal<B>(&self, request: &Request<B>) -> Option<Response> {
        match self {
            Self::Full => None,
            Self::ReadOnly => {
                let detail = if request.headers().contains_key(ORIGIN) {
                    "this address is read only, for web pages too: start the host with `--admin-token`"
                } else {
                    "this address is read only: use the subcommands of the program, such as `restart`, which find the \
                     host's Unix socket, or start the host with `--admin-token`"
                };
                Some((StatusCode::FORBIDDEN, Json(json!({ "detail": detail }))).into_response())
            }
            Self::Token(token) => {
                let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
                let given = given.and_then(|value| value.strip_prefix("Bearer "));
                if given.is_some_and(|given| token.is(given)) {
                    return None;
                }
                let detail = "this request needs the host's admin token: send `authorization: Bearer TOKEN`";
                let body = Json(json!({ "detail": detail }));
                Some((StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], body).into_response())
            }
        }
    }
}

/// Lets a request pass that only reads, or that may change the host.
pub(super) async fn authorize(State(access): State<Access>, request: Request<Body>, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    match access.refusal(&request).filter(|_| !reads) {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(access: &Access, headers: &[(&str, &str)]) -> Option<StatusCode> {
        let request = headers
            .iter()
            .fold(Request::post("/restart"), |request, (name, value)| request.header(*name, *value));
        access.refusal(&request.body(()).unwrap()).map(|response| response.status())
    }

    #[test]
    fn without_a_token_tcp_is_read_only_wherever_a_request_comes_from_s88b() {
        let access = Access::over_tcp(None);
        assert_eq!(refused(&access, &[]), Some(StatusCode::FORBIDDEN));
        assert_eq!(refused(&access, &[("origin", "http://127.0.0.1")]), Some(StatusCode::FORBIDDEN));
        assert_eq!(refused(&Access::Full, &[]), None);
    }

    #[test]
    fn only_the_token_itself_allows_a_change_s88b() {
        let access = Access::over_tcp(Some(AdminToken::new("0123456789abcdef").unwrap()));
        for wrong in
            ["", "Bearer ", "Bearer 0123456789abcdeX", "0123456789abcdef", "Bearer 0123456789abcdef0"]
        {
            assert_eq!(
                refused(&access, &[("authorization", wrong)]),
                Some(StatusCode::UNAUTHORIZED),
                "{wrong}"
            );
        }
        assert_eq!(refused(&access, &[("authorization", "Bearer 0123456789abcdef")]), None);
        assert!(!format!("{access:?}").contains("0123"));
    }

    #[test]
    fn a_token_that_can_be_guessed_is_refused_s88b() {
        for weak in ["", "short", "0123456789abcde", "0123456789abcde\n", "0123456789 abcdef"] {
            assert!(AdminToken::new(weak).unwrap_err().to_string().contains("openssl"), "{weak}");
        }
    }
}
