//! The trace of a request, by the header `traceparent` of [W3C Trace Context](https://www.w3.org/TR/trace-context/).

/// The header by which the parts of a distributed system name the trace that a request belongs to.
pub const TRACEPARENT: &str = "traceparent";

/// The trace id in the value of [`TRACEPARENT`]: 32 hexadecimal digits. `None` if the value is not valid.
pub fn trace_id(traceparent: &[u8]) -> Option<&str> {
    let text = str::from_utf8(traceparent).ok()?;
    let mut parts = text.splitn(5, '-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // Later versions may have further parts.
    let is_whole = parts.next().is_none() || version != "00";
    let lengths = [(version, 2), (trace, 32), (parent, 16), (flags, 2)];
    let is_hexadecimal = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_valid = lengths.into_iter().all(|(part, length)| part.len() == length && is_hexadecimal(part));
    let is_null = |id: &str| id.bytes().all(|byte| byte == b'0');
    (is_whole && is_valid && version != "ff" && !is_null(trace) && !is_null(parent)).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_valid_traceparent_has_a_trace_id_s83c() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        let of = |value: &str| trace_id(value.as_bytes()).map(str::to_owned);
        assert_eq!(of(&format!("00-{TRACE}-00f067aa0ba902b7-01")).as_deref(), Some(TRACE));
        assert_eq!(of(&format!("01-{TRACE}-00f067aa0ba902b7-01-later")).as_deref(), Some(TRACE));
        for invalid in [
            "",
            "00",
            &format!("00-{TRACE}-00f067aa0ba902b7"),
            &format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            &format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            &format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            &format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            &format!("00-{TRACE}-0000000000000000-01"),
            &format!("00-{TRACE}a-00f067aa0ba902b7-01"),
            &format!("00-{TRACE}-00f067aa0ba902b7-0é"),
        ] {
            assert_eq!(of(invalid), None, "{invalid}");
        }
        assert_eq!(trace_id(b"00-\xff"), None);
    }
}
