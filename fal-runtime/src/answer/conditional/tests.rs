//! What is sent of a file of 100 bytes, changed at the second 784111777.

use super::*;

const CHANGED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

/// What a request with these headers gets.
fn select(method: &Method, request: &[(&'static str, &str)]) -> Selection {
    select_of(Some("\"a,b\""), 100, method, request)
}

fn select_of(
    etag: Option<&'static str>,
    length: u64,
    method: &Method,
    request: &[(&'static str, &str)],
) -> Selection {
    let request = request.iter().map(|(name, value)| ((*name).try_into().unwrap(), value.parse().unwrap()));
    let mut headers = HeaderMap::new();
    for (name, value) in request {
        headers.append::<http::HeaderName>(name, value);
    }
    let etag = etag.map(HeaderValue::from_static);
    let changed = etag.is_some().then(|| SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_900));
    Conditions { request: &headers, etag: etag.as_ref(), changed, length }.select(method)
}

#[test]
fn a_range_is_cut_to_the_file_s110() {
    let part = |range: &str| select(&Method::GET, &[("range", range)]);
    for (range, bytes) in [
        ("bytes=0-0", 0..1),
        ("bytes=10-19", 10..20),
        ("bytes=10-", 10..100),
        ("bytes=0-", 0..100),
        ("bytes=90-1000", 90..100),
        ("bytes=90-99999999999999999999999999", 90..100),
        ("bytes=-10", 90..100),
        ("bytes=-1000", 0..100),
        ("Bytes= 010-19 ", 10..20),
    ] {
        assert_eq!(part(range), Selection::Part(bytes), "{range}");
    }
    for range in ["bytes=100-", "bytes=100-200", "bytes=99999999999999999999999999-", "bytes=-0"] {
        assert_eq!(part(range), Selection::Unsatisfiable, "{range}");
    }
    for range in [
        "bytes=0-1,5-6",
        "bytes=5-4",
        "bytes=",
        "bytes=-",
        "bytes=+1-2",
        "bytes=0x1-2",
        "bytes 1-2",
        "lines=1-2",
        "",
    ] {
        assert_eq!(part(range), Selection::Whole, "{range}");
    }
    let two = [("range", "bytes=0-1"), ("range", "bytes=5-6")];
    assert_eq!(select(&Method::GET, &two), Selection::Whole);
    assert_eq!(select(&Method::HEAD, &two[..1]), Selection::Whole, "only GET has ranges");
}

#[test]
fn an_empty_file_has_no_part_s110() {
    let part = |range: &str| select_of(Some("\"a\""), 0, &Method::GET, &[("range", range)]);
    assert_eq!(part("bytes=-5"), Selection::Whole);
    assert_eq!(part("bytes=0-"), Selection::Unsatisfiable);
}

#[test]
fn if_range_gets_the_part_only_of_the_same_file_s110() {
    let part = |condition| select(&Method::GET, &[("range", "bytes=0-1"), ("if-range", condition)]);
    for same in ["\"a,b\"", CHANGED] {
        assert_eq!(part(same), Selection::Part(0..2), "{same}");
    }
    for other in ["W/\"a,b\"", "\"b\"", "\"a", EARLIER, LATER, "yesterday", "*", ""] {
        assert_eq!(part(other), Selection::Whole, "{other}");
    }
    for (etag, condition) in [(Some("W/\"a\""), "W/\"a\""), (None, "\"a\""), (None, CHANGED)] {
        let request = [("range", "bytes=0-1"), ("if-range", condition)];
        assert_eq!(select_of(etag, 100, &Method::GET, &request), Selection::Whole, "{etag:?}");
    }
}

#[test]
fn a_client_that_has_the_file_gets_304_s110() {
    for method in [Method::GET, Method::HEAD] {
        for condition in [
            ("if-none-match", "\"a,b\""),
            ("if-none-match", "W/\"a,b\""),
            ("if-none-match", "\"x\", , W/\"y\",\"a,b\""),
            ("if-none-match", "*"),
            ("if-modified-since", CHANGED),
            ("if-modified-since", LATER),
        ] {
            let request = [condition, ("range", "bytes=0-1")];
            assert_eq!(select(&method, &request), Selection::NotModified, "{condition:?}");
        }
        for condition in [
            ("if-none-match", "\"a\""),
            ("if-none-match", "a,b"),
            ("if-none-match", ""),
            ("if-modified-since", EARLIER),
            ("if-modified-since", "yesterday"),
        ] {
            assert_eq!(select(&method, &[condition]), Selection::Whole, "{condition:?}");
        }
    }
    // The date counts only where there are no tags.
    let both = [("if-none-match", "\"x\""), ("if-modified-since", CHANGED)];
    assert_eq!(select(&Method::GET, &both), Selection::Whole);
    let two_lines = [("if-none-match", "\"x\""), ("if-none-match", "\"a,b\"")];
    assert_eq!(select(&Method::GET, &two_lines), Selection::NotModified);
    for condition in [("if-none-match", "\"a,b\""), ("if-modified-since", CHANGED)] {
        assert_eq!(select_of(None, 100, &Method::GET, &[condition]), Selection::Whole);
    }
}

#[test]
fn another_file_than_expected_gets_412_s110() {
    for condition in [("if-match", "\"x\""), ("if-match", "W/\"a,b\""), ("if-unmodified-since", EARLIER)] {
        assert_eq!(select(&Method::GET, &[condition]), Selection::PreconditionFailed, "{condition:?}");
    }
    for condition in [
        ("if-match", "*"),
        ("if-match", "\"x\", \"a,b\""),
        ("if-unmodified-since", CHANGED),
        ("if-unmodified-since", "yesterday"),
    ] {
        assert_eq!(select(&Method::GET, &[condition]), Selection::Whole, "{condition:?}");
    }
    let both = [("if-match", "\"a,b\""), ("if-unmodified-since", EARLIER)];
    assert_eq!(select(&Method::GET, &both), Selection::Whole);
    assert_eq!(select_of(None, 100, &Method::GET, &[("if-match", "\"a\"")]), Selection::PreconditionFailed);
}
