//! The names of the HTTP headers between host and runner. Names of headers have no case.

/// On a response: asks the host to check the runner ([S27](crate::semantics#s27)). On a health check: a response asked
/// for it ([S16](crate::semantics#s16)).
pub const HEALTH_CHECK: &str = "x-fal-runner-health-check";

/// On a response: tells the host that its runner cannot go on ([S58](crate::semantics#s58)).
pub const STOP_RUNNER: &str = "x-fal-stop-runner";

/// On every request and response: the [request's id](super::request_id).
pub const REQUEST_ID: &str = "x-fal-request-id";

/// On the response to a health check: a [`ProgressStamp`](super::ProgressStamp).
pub const PROGRESS: &str = "x-fal-runner-progress";

/// Whether a response with these values of [`HEALTH_CHECK`] or [`STOP_RUNNER`] asks for it.
///
/// A value of `0` or `false`, in any case and with spaces or tabs around it, does not ask. Every other value asks,
/// also an empty one and one that is not ASCII. Of several values, one that asks is enough.
///
/// ```
/// use fal_health::protocol::header::is_asked;
///
/// assert!(is_asked([&b"true"[..]]));
/// assert!(!is_asked([&b" False "[..], b"0"]));
/// assert!(is_asked([&b"0"[..], b"1"]));
/// ```
pub fn is_asked<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> bool {
    values.into_iter().any(asks)
}

fn asks(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    !(value == b"0" || value.eq_ignore_ascii_case(b"false"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_false_do_not_ask_in_any_spelling_s27b() {
        for value in ["0", " 0\t", "false", "FALSE", "\tFalse "] {
            assert!(!is_asked([value.as_bytes()]), "{value:?}");
        }
    }

    #[test]
    fn anything_else_asks_s27b() {
        for value in [&b"true"[..], b"1", b"", b" ", b"no", b"00", b"falsey", b"f alse", b"\xff\xfe", b"0,0"]
        {
            assert!(is_asked([value]), "{value:?}");
        }
    }

    #[test]
    fn one_asking_value_is_enough_and_none_asks_nothing_s27b() {
        assert!(is_asked([&b"0"[..], b"false", b"yes"]));
        assert!(!is_asked([&b"0"[..], b"false"]));
        assert!(!is_asked([]));
    }
}
