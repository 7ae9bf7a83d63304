//! Conditional requests and ranges ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2)): what is sent of
//! a file.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use http::header::{
    AsHeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
};
use http::{HeaderMap, HeaderValue, Method};

/// What a client gets.
#[derive(Debug, PartialEq)]
pub(super) enum Selection {
    /// 200 with the whole file.
    Whole,
    /// 206 with these bytes.
    Part(Range<u64>),
    /// 304: it has them already.
    NotModified,
    /// 412: the file is not the one that it expects.
    PreconditionFailed,
    /// 416: the range begins behind the end.
    Unsatisfiable,
}

/// A request and the validators of the file that it asks for.
pub(super) struct Conditions<'a> {
    /// The headers of the request.
    pub(super) request: &'a HeaderMap,
    pub(super) etag: Option<&'a HeaderValue>,
    /// The time of the file's last change.
    pub(super) changed: Option<SystemTime>,
    pub(super) length: u64,
}

impl Conditions<'_> {
    /// For a GET or HEAD.
    pub(super) fn select(&self, method: &Method) -> Selection {
        let expected = match self.matches_any(IF_MATCH, strongly_equal) {
            None => self.changed_since(IF_UNMODIFIED_SINCE).is_none_or(|changed| !changed),
            Some(expected) => expected,
        };
        if !expected {
            return Selection::PreconditionFailed;
        }
        let is_known = match self.matches_any(IF_NONE_MATCH, weakly_equal) {
            None => self.changed_since(IF_MODIFIED_SINCE).is_some_and(|changed| !changed),
            Some(is_known) => is_known,
        };
        if is_known {
            return Selection::NotModified;
        }
        if *method == Method::GET && self.is_range_of_this_file() {
            return self.part();
        }
        Selection::Whole
    }

    /// Whether one of the tags of a header is the file's. `None` if the request has no such header.
    fn matches_any(&self, name: impl AsHeaderName, equal: fn(Tag<'_>, Tag<'_>) -> bool) -> Option<bool> {
        let mut lists = self.request.get_all(name).iter().peekable();
        lists.peek()?;
        let own = self.etag.and_then(|etag| Tags(etag.as_bytes()).next());
        Some(lists.any(|list| {
            list.as_bytes() == b"*" || Tags(list.as_bytes()).any(|tag| own.is_some_and(|own| equal(tag, own)))
        }))
    }

    /// Whether the file has changed since the date of a header. `None` if one of both is unknown.
    fn changed_since(&self, name: impl AsHeaderName) -> Option<bool> {
        let date = httpdate::parse_http_date(self.request.get(name)?.to_str().ok()?).ok()?;
        Some(whole_second(self.changed?) > date)
    }

    /// Whether the range is one of the file as it is now, by `if-range`.
    fn is_range_of_this_file(&self) -> bool {
        let Some(condition) = self.request.get(IF_RANGE) else { return true };
        if let Some(tag) = Tags(condition.as_bytes()).next() {
            let own = self.etag.and_then(|etag| Tags(etag.as_bytes()).next());
            return own.is_some_and(|own| strongly_equal(tag, own));
        }
        let date = condition.to_str().ok().and_then(|date| httpdate::parse_http_date(date).ok());
        date.is_some() && date == self.changed.map(whole_second)
    }

    /// The bytes of `range`, or all bytes if it is missing, malformed, of another unit, or has several parts.
    fn part(&self) -> Selection {
        let mut ranges = self.request.get_all(RANGE).iter();
        let range = match (ranges.next(), ranges.next()) {
            (Some(range), None) => range.to_str().ok().and_then(ByteRange::parse),
            _ => None,
        };
        match range {
            Some(ByteRange::Last(0)) => Selection::Unsatisfiable,
            // No `content-range` can name a part of it.
            Some(ByteRange::Last(_)) if self.length == 0 => Selection::Whole,
            Some(ByteRange::Last(count)) => Selection::Part(self.length.saturating_sub(count)..self.length),
            Some(ByteRange::From(first, _)) if first >= self.length => Selection::Unsatisfiable,
            Some(ByteRange::From(first, last)) => {
                Selection::Part(first..last.saturating_add(1).min(self.length))
            }
            None => Selection::Whole,
        }
    }
}

/// HTTP dates have no fractions.
fn whole_second(time: SystemTime) -> SystemTime {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since_epoch.as_secs())
}

/// One range of bytes.
#[derive(Debug, PartialEq)]
enum ByteRange {
    /// From the first to the last one.
    From(u64, u64),
    /// This number at the end.
    Last(u64),
}

impl ByteRange {
    fn parse(header: &str) -> Option<Self> {
        let (unit, range) = header.split_once('=')?;
        let (first, last) = range.trim().split_once('-')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        if first.is_empty() {
            return Some(Self::Last(number(last)?));
        }
        let first = number(first)?;
        let last = if last.is_empty() { u64::MAX } else { number(last)? };
        (first <= last).then_some(Self::From(first, last))
    }
}

/// A larger number than there are bytes is that of the last byte.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// An entity tag.
#[derive(Clone, Copy)]
struct Tag<'a> {
    is_weak: bool,
    text: &'a [u8],
}

fn strongly_equal(one: Tag<'_>, other: Tag<'_>) -> bool {
    !one.is_weak && !other.is_weak && one.text == other.text
}

fn weakly_equal(one: Tag<'_>, other: Tag<'_>) -> bool {
    one.text == other.text
}

/// The tags of a list, as far as it is well-formed.
struct Tags<'a>(&'a [u8]);

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        let begin = self.0.iter().position(|byte| !b" \t,".contains(byte))?;
        let list = self.0.get(begin..)?;
        let (is_weak, tag) = match list.strip_prefix(b"W/") {
            Some(tag) => (true, tag),
            None => (false, list),
        };
        let tag = tag.strip_prefix(b"\"")?;
        let end = tag.iter().position(|&byte| byte == b'"')?;
        self.0 = tag.get(end + 1..)?;
        Some(Tag { is_weak, text: tag.get(..end)? })
    }
}

#[cfg(test)]
mod tests;
