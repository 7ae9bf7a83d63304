//! Finds the frames in the bytes of a connection.

/// The kind of a frame (RFC 9113, 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Reset,
    GoAway,
    /// Settings, pings, flow control, priorities, continuations, and unknown ones.
    Other,
}

/// The beginning of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    /// Of what follows, in bytes.
    pub(super) length: usize,
    /// Whether a frame with data is the last of its stream.
    pub(super) ends_stream: bool,
}

impl Frame {
    const fn parse([a, b, c, kind, flags, ..]: [u8; 9]) -> Self {
        let kind = match kind {
            0 => Kind::Data,
            1 => Kind::Headers,
            3 => Kind::Reset,
            7 => Kind::GoAway,
            _ => Kind::Other,
        };
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        Self { kind, length, ends_stream: flags & 1 == 1 }
    }
}

/// Finds the frames in a stream of bytes.
#[derive(Debug)]
pub(super) struct Scanner {
    /// How many bytes come before the next frame.
    skip: usize,
    /// The part of the next frame's head that has come.
    head: [u8; 9],
    filled: usize,
}

impl Scanner {
    pub(super) const fn after(skip: usize) -> Self {
        Self { skip, head: [0; 9], filled: 0 }
    }

    /// The next frame that begins in these bytes, which are consumed up to the end of its head.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Option<Frame> {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        *bytes = bytes.get(skipped..)?;
        while let (Some(slot), Some((byte, rest))) = (self.head.get_mut(self.filled), bytes.split_first()) {
            *slot = *byte;
            self.filled += 1;
            *bytes = rest;
        }
        if self.filled < self.head.len() {
            return None;
        }
        let frame = Frame::parse(self.head);
        *self = Self::after(frame.length);
        Some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_however_their_bytes_are_cut() {
        let bytes =
            [&[0, 0, 3, 0, 0, 0, 0, 0, 1, 7, 7, 7][..], &[0, 0, 0, 3, 1, 0, 0, 0, 1], &[0, 0, 1, 1, 1]]
                .concat();
        let expected = [
            Frame { kind: Kind::Data, length: 3, ends_stream: false },
            Frame { kind: Kind::Reset, length: 0, ends_stream: true },
        ];
        for size in 1..=bytes.len() {
            let mut scanner = Scanner::after(0);
            let mut found = Vec::new();
            for mut part in bytes.chunks(size) {
                found.extend(std::iter::from_fn(|| scanner.next(&mut part)));
            }
            assert_eq!(found, expected, "in parts of {size}");
        }
    }
}
