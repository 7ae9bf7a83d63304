//! The reader: tokens, nesting, and the path to what is being read.

use std::borrow::Cow;

use serde::de::Expected;

use super::error::{DeserializeError, LocatedError, Result};
use super::number::Number;
use crate::error::Step;

/// The maximum nesting of lists and objects, as in `serde_json`, so that no body overflows the stack.
const MAX_DEPTH: u8 = 127;

/// Reads JSON from front to back and keeps the path to the current value.
#[derive(Debug)]
pub(crate) struct Reader<'de> {
    body: &'de [u8],
    at: usize,
    depth: u8,
    path: Vec<Segment<'de>>,
}

/// One segment of the path.
#[derive(Debug)]
enum Segment<'de> {
    Key(Cow<'de, str>),
    Index(usize),
}

impl<'de> Reader<'de> {
    pub(crate) fn new(body: &'de [u8]) -> Self {
        Self { body, at: 0, depth: 0, path: Vec::new() }
    }

    pub(crate) fn body(&self) -> &'de [u8] {
        self.body
    }

    /// The error after the value of a body: only whitespace may follow.
    pub(crate) fn end(&mut self) -> Option<DeserializeError> {
        self.path.clear();
        match self.unwind(0) {
            Ok(()) => self.next_byte().map(|_| DeserializeError::syntax()),
            Err(fault) => Some(fault),
        }
    }

    /// Adds the current path to an error.
    #[cold]
    pub(crate) fn locate(&mut self, fault: DeserializeError) -> LocatedError {
        let path = self.path.drain(..).map(|segment| match segment {
            Segment::Key(key) => Step::Key(key.into_owned().into()),
            Segment::Index(index) => Step::Index(index),
        });
        LocatedError { path: path.collect(), kind: fault.into_kind() }
    }

    /// The length of the current path.
    pub(super) fn path_len(&self) -> usize {
        self.path.len()
    }

    /// Sets the path to a member of the object at `level`.
    pub(super) fn push_key(&mut self, level: usize, key: Cow<'de, str>) -> &str {
        self.truncate_path(level);
        self.push(Segment::Key(key));
        match self.path.last() {
            Some(Segment::Key(key)) => key,
            _ => "",
        }
    }

    /// Sets the path to an item of the list at `level`.
    pub(super) fn push_index(&mut self, level: usize, index: usize) {
        self.truncate_path(level);
        self.push(Segment::Index(index));
    }

    fn push(&mut self, segment: Segment<'de>) {
        if self.path.capacity() == 0 {
            // Most bodies nest no deeper. To grow an empty list costs more.
            self.path = Vec::with_capacity(4);
        }
        self.path.push(segment);
    }

    /// Sets the path back to the value at `level`.
    pub(super) fn truncate_path(&mut self, level: usize) {
        self.path.truncate(level);
    }

    /// The first byte of the next token.
    pub(super) fn peek(&mut self) -> Result<u8> {
        self.next_byte().ok_or_else(DeserializeError::syntax)
    }

    /// The first byte of the next token, unless the body ends before it.
    fn next_byte(&mut self) -> Option<u8> {
        while let Some(byte) = self.body.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// Consumes this byte if it is next.
    pub(super) fn consume_if(&mut self, byte: u8) -> Result<bool> {
        let is_next = self.peek()? == byte;
        self.at += usize::from(is_next);
        Ok(is_next)
    }

    /// Consumes this byte, which must be next.
    pub(super) fn expect(&mut self, byte: u8) -> Result<()> {
        if self.consume_if(byte)? { Ok(()) } else { Err(DeserializeError::syntax()) }
    }

    /// Consumes an opening bracket. It is the wrong type if there is none.
    pub(super) fn enter(&mut self, bracket: u8, expected: &dyn Expected) -> Result<()> {
        if !self.consume_if(bracket)? {
            return Err(self.wrong_type(expected));
        }
        self.descend()
    }

    /// Closes objects down to this depth. A visitor may stop before the end of an object.
    pub(super) fn unwind(&mut self, depth: u8) -> Result<()> {
        while self.depth > depth {
            self.leave(b'}')?;
        }
        Ok(())
    }

    /// The number of open lists and objects.
    pub(super) fn depth(&self) -> u8 {
        self.depth
    }

    /// Consumes a closing bracket.
    pub(super) fn leave(&mut self, bracket: u8) -> Result<()> {
        self.depth = self.depth.saturating_sub(1);
        match self.peek()? {
            next if next == bracket => {
                self.at += 1;
                Ok(())
            }
            b',' => Err(DeserializeError::from_message("more items than expected".into())),
            _ => Err(DeserializeError::syntax()),
        }
    }

    fn descend(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(DeserializeError::syntax()) } else { Ok(()) }
    }

    /// The error for the next value: the wrong type, or malformed JSON.
    #[cold]
    pub(super) fn wrong_type(&mut self, expected: &dyn Expected) -> DeserializeError {
        match self.peek() {
            Ok(b'"' | b'{' | b'[' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                DeserializeError::wrong_type(expected)
            }
            _ => DeserializeError::syntax(),
        }
    }

    pub(super) fn null(&mut self, expected: &dyn Expected) -> Result<()> {
        if self.peek()? == b'n' { self.literal(b"null") } else { Err(self.wrong_type(expected)) }
    }

    pub(super) fn boolean(&mut self, expected: &dyn Expected) -> Result<bool> {
        match self.peek()? {
            b't' => self.literal(b"true").map(|()| true),
            b'f' => self.literal(b"false").map(|()| false),
            _ => Err(self.wrong_type(expected)),
        }
    }

    fn literal(&mut self, literal: &[u8]) -> Result<()> {
        if self.rest().starts_with(literal) {
            self.at += literal.len();
            Ok(())
        } else {
            Err(DeserializeError::syntax())
        }
    }

    pub(super) fn string(&mut self, expected: &dyn Expected) -> Result<Cow<'de, str>> {
        if self.peek()? != b'"' {
            return Err(self.wrong_type(expected));
        }
        self.quoted()
    }

    fn quoted(&mut self) -> Result<Cow<'de, str>> {
        let token = self.rest();
        let inside = token.get(1..).unwrap_or_default();
        let plain = plain_length(inside);
        let (text, rest) = inside.split_at(plain);
        if rest.first() == Some(&b'"') {
            self.at += plain + 2;
            return std::str::from_utf8(text).map(Cow::Borrowed).map_err(|_| DeserializeError::syntax());
        }
        let token = token.get(..=end_of_string(token)).ok_or_else(DeserializeError::syntax)?;
        self.at += token.len();
        serde_json::from_slice(token).map(Cow::Owned).map_err(|_| DeserializeError::syntax())
    }

    pub(super) fn number(&mut self, expected: &dyn Expected) -> Result<Number> {
        self.number_token(expected).and_then(Number::parse)
    }

    /// Consumes the bytes that can be part of a number.
    pub(super) fn number_token(&mut self, expected: &dyn Expected) -> Result<&'de str> {
        if !matches!(self.peek()?, b'-' | b'0'..=b'9') {
            return Err(self.wrong_type(expected));
        }
        let rest = self.rest();
        let is_part = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
        let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        self.at += length;
        Ok(rest.get(..length).and_then(|token| std::str::from_utf8(token).ok()).unwrap_or_default())
    }

    /// Skips a value and returns its text. It must still be valid JSON.
    pub(super) fn raw(&mut self) -> Result<&'de str> {
        self.peek()?;
        let start = self.at;
        self.skip()?;
        let text = self.body.get(start..self.at).unwrap_or_default();
        std::str::from_utf8(text).map_err(|_| DeserializeError::syntax())
    }

    /// Skips a value. It must still be valid JSON.
    pub(super) fn skip(&mut self) -> Result<()> {
        match self.peek()? {
            b'{' => self.skip_all(b'}'),
            b'[' => self.skip_all(b']'),
            b'"' => self.quoted().map(drop),
            b't' | b'f' => self.boolean(&"any value").map(drop),
            b'n' => self.null(&"any value"),
            _ => self.number(&"any value").map(drop),
        }
    }

    fn skip_all(&mut self, end: u8) -> Result<()> {
        self.at += 1;
        self.descend()?;
        let mut is_first = true;
        while self.peek()? != end {
            if !std::mem::take(&mut is_first) {
                self.expect(b',')?;
            }
            if end == b'}' {
                self.string(&"a key")?;
                self.expect(b':')?;
            }
            self.skip()?;
        }
        self.leave(end)
    }

    fn rest(&self) -> &'de [u8] {
        self.body.get(self.at..).unwrap_or_default()
    }
}

/// How many bytes of a string come before its closing quote, an escape, or a control character.
fn plain_length(text: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    // The highest bit of each byte that is zero, and maybe of bytes after that one.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let (words, rest) = text.as_chunks();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let escapes = zeros(word ^ (ONES * u64::from(b'\\')));
        let controls = word.wrapping_sub(ONES * u64::from(b' ')) & !word;
        let special = (quotes | escapes | controls) & (ONES << 7);
        if special != 0 {
            return index * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..b' ');
    text.len() - rest.len() + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// The position of the closing quote of the string at the start of `token`; the end of `token` if there is none.
fn end_of_string(token: &[u8]) -> usize {
    let mut is_escaped = false;
    let ends = |byte: &u8| {
        let ends = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    };
    token.iter().skip(1).position(ends).map_or(token.len(), |inside| inside + 1)
}
