//! What a page may run, by its policy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::Response;

/// Asserts that the policy of a page allows its own script and its own style, by their hashes, and no other.
pub(crate) fn assert_own_inline_parts(page: &Response) {
    let policy = page.header("content-security-policy").unwrap();
    let text = String::from_utf8(page.body.clone()).unwrap();
    for (element, directive) in [("script", "script-src"), ("style", "style-src")] {
        let (begin, end) = (format!("<{element}>"), format!("</{element}>"));
        let mut parts = text.split(&begin).skip(1);
        let (part, _) = parts.next().unwrap().split_once(&end).unwrap();
        assert!(parts.next().is_none(), "one {element} has one hash");
        let allowed = format!("; {directive} 'sha256-{}';", STANDARD.encode(Sha256::digest(part)));
        assert!(policy.contains(&allowed), "write {allowed:?} into the policy: {policy}");
    }
}
