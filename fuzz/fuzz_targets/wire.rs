//! What a client of HTTP/2 sends: the bytes of an input are read as a program that writes frames.

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// How many bytes an input may write.
const MOST: usize = 256 * 1024;

/// Numbers at limits.
const NUMBERS: [u32; 12] =
    [0, 1, 2, 99, 4_096, 16_384, 65_535, 65_536, 1 << 20, (1 << 24) - 1, (1 << 31) - 1, u32::MAX];

/// Lengths of what a frame carries.
const LENGTHS: [usize; 8] = [0, 1, 5, 8, 100, 4_000, 16_384, 20_000];

/// Fields, beside those that a request needs.
const FIELDS: [(&str, &str); 16] = [
    (":method", "HEAD"),
    (":path", "/health"),
    (":scheme", "https"),
    (":authority", "b"),
    (":status", "200"),
    (":protocol", "websocket"),
    ("host", "a"),
    ("content-length", "5"),
    ("content-length", "18446744073709551616"),
    ("te", "trailers"),
    ("trailer", "x-sum"),
    ("x-sum", "7"),
    ("expect", "100-continue"),
    ("transfer-encoding", "chunked"),
    ("connection", "close"),
    ("x-fal-runner-health-check", "true"),
];

/// What the runner answers.
const ANSWERS: [&str; 4] = [
    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
    "",
];

/// How the client ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It closes its side, and reads everything.
    HalfClose,
    /// It has read nothing.
    Unread,
    Reset,
}

/// What the client sends in one write each, and what its requests are answered.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) pieces: Vec<Vec<u8>>,
    pub(crate) ending: Ending,
    /// Whether it begins as a client of HTTP/2 does.
    pub(crate) has_preface: bool,
    answer: usize,
}

impl Wire {
    /// The first byte says how the client begins and ends. Each further one is a step, with parameters after it.
    pub(crate) fn of(input: &[u8]) -> Self {
        let mut program =
            Program { input, piece: Vec::new(), pieces: Vec::new(), written: 0, next_stream: 1 };
        let first = program.byte();
        if first & 1 == 0 {
            program.write(PREFACE);
            program.frame(SETTINGS, 0, 0, &[]);
        }
        let mut last = program.input;
        while !program.input.is_empty() && program.written < MOST {
            let here = program.input;
            if program.byte() % 16 == 15 {
                // The last step again, up to 64 times.
                let (times, rest) = (program.byte() % 64, program.input);
                for _ in 0..times {
                    if program.written < MOST {
                        program.input = last;
                        program.step();
                    }
                }
                program.input = rest;
            } else {
                program.input = here;
                last = here;
                program.step();
            }
        }
        program.split();
        let ending = match first >> 1 & 3 {
            0 | 1 => Ending::HalfClose,
            2 => Ending::Unread,
            _ => Ending::Reset,
        };
        Self {
            pieces: program.pieces,
            ending,
            has_preface: first & 1 == 0,
            answer: usize::from(first >> 3 & 3),
        }
    }

    /// What the runner answers to each request: the last one is large.
    pub(crate) fn answer(&self) -> Vec<u8> {
        match ANSWERS.get(self.answer) {
            Some(answer) if !answer.is_empty() => answer.as_bytes().to_vec(),
            _ => {
                let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 200000\r\n\r\n";
                [head.as_bytes(), &[b'x'; 200_000]].concat()
            }
        }
    }
}

/// Reads an input, and writes frames.
#[derive(Debug)]
struct Program<'a> {
    input: &'a [u8],
    piece: Vec<u8>,
    pieces: Vec<Vec<u8>>,
    written: usize,
    /// The stream of the next request.
    next_stream: u32,
}

impl Program<'_> {
    fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.input.split_first() else { return 0 };
        self.input = rest;
        *byte
    }

    fn number(&mut self) -> u32 {
        let byte = self.byte();
        NUMBERS.get(usize::from(byte)).copied().unwrap_or_else(|| u32::from(byte) << (byte % 24))
    }

    /// A stream that there is, usually.
    fn stream(&mut self) -> u32 {
        match self.byte() {
            0 => 0,
            byte @ 1..=15 => self.next_stream.wrapping_sub(u32::from(byte) * 2),
            16 => self.next_stream + 1,
            17 => u32::MAX,
            byte => self.next_stream.wrapping_sub(u32::from(byte % 2) * 2),
        }
    }

    fn payload(&mut self) -> Vec<u8> {
        let byte = self.byte();
        vec![byte; LENGTHS[usize::from(byte) % LENGTHS.len()]]
    }

    fn write(&mut self, bytes: &[u8]) {
        self.written += bytes.len();
        self.piece.extend_from_slice(bytes);
    }

    fn split(&mut self) {
        self.pieces.push(std::mem::take(&mut self.piece));
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
        self.write(&[&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat());
    }

    /// The head of the next request, with further fields.
    fn request(&mut self, method: &str, flags: u8) {
        let fields = [(":method", method), (":scheme", "http"), (":path", "/"), (":authority", "a")];
        let mut block: Vec<u8> = fields.iter().flat_map(|(name, value)| literal(0, name, value)).collect();
        block.extend(self.block());
        let stream = self.next_stream;
        self.next_stream = stream.wrapping_add(2);
        self.frame(HEADERS, flags, stream, &block);
    }

    /// Fields as HPACK has them, and what is none (RFC 7541, 6).
    fn block(&mut self) -> Vec<u8> {
        let mut block = Vec::new();
        for _ in 0..self.byte() % 8 {
            let parameter = self.byte();
            let (name, value) = FIELDS[usize::from(parameter) % FIELDS.len()];
            match parameter >> 4 {
                0..=3 => block.extend(literal(0, name, value)),
                4..=6 => block.extend(literal(0x40, name, value)),
                7 => block.extend(literal(0x40, name, &"v".repeat(4_000))),
                8 => block.extend(literal(0, "x-large", &"v".repeat(usize::from(parameter) * 100))),
                // From a table, and beyond it.
                9 | 10 => block.push(0x80 | self.byte()),
                11 => block.extend([0xff, self.byte(), self.byte()]),
                // Another size of the table.
                12 => block.extend([0x3f, self.byte(), self.byte()]),
                // Huffman code.
                13 => block.extend([0x40, 0x82, self.byte(), self.byte(), 0x81, self.byte()]),
                // A name that is not valid.
                14 => block.extend(literal(0, "Up per\n", value)),
                _ => block.push(self.byte()),
            }
        }
        block
    }

    fn step(&mut self) {
        match self.byte() % 16 {
            0 => {
                let settings: Vec<u8> = (0..self.byte() % 4)
                    .flat_map(|_| [&[0, self.byte() % 8][..], &self.number().to_be_bytes()].concat())
                    .collect();
                self.frame(SETTINGS, 0, 0, &settings);
            }
            1 => self.frame(SETTINGS, END_STREAM, 0, &[]),
            2 => self.request("GET", END_HEADERS | END_STREAM),
            3 => self.request("POST", END_HEADERS),
            4 => {
                // The rest of the head, if the host takes it, follows in other frames.
                let flags = self.byte();
                self.request("POST", flags);
            }
            5 => {
                let (flags, stream, block) = (self.byte(), self.stream(), self.block());
                self.frame(HEADERS, flags, stream, &block);
            }
            6 => {
                let (flags, stream, block) = (self.byte(), self.stream(), self.block());
                self.frame(CONTINUATION, flags, stream, &block);
            }
            7 | 8 => {
                let (flags, stream, payload) = (self.byte() % 2, self.stream(), self.payload());
                self.frame(DATA, flags, stream, &payload);
            }
            9 => {
                let (stream, code) = (self.stream(), self.number());
                self.frame(RST_STREAM, 0, stream, &code.to_be_bytes());
            }
            10 => {
                let flags = self.byte() % 4;
                self.frame(PING, flags, 0, b"pingpong");
            }
            11 => {
                let (stream, increment) = (self.stream(), self.number());
                self.frame(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes());
            }
            12 => {
                let (stream, code) = (self.stream(), self.number());
                self.frame(GOAWAY, 0, 0, &[stream.to_be_bytes(), code.to_be_bytes()].concat());
            }
            13 => {
                let (kind, flags, stream, payload) =
                    (self.byte(), self.byte(), self.stream(), self.payload());
                let kind = if kind > 9 { PRIORITY } else { kind };
                self.frame(kind, flags, stream, &payload);
            }
            14 if self.byte() % 2 == 0 => self.split(),
            _ => {
                let garbage = self.payload();
                let length = garbage.len().min(32);
                self.write(&garbage[..length]);
            }
        }
    }
}

/// A field as HPACK has it without compression, with or without an entry in the table (RFC 7541, 6.2).
fn literal(form: u8, name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![form];
    for text in [name, value] {
        let mut rest = text.len();
        if let Some(more) = rest.checked_sub(127) {
            bytes.push(127);
            rest = more;
            while rest >= 128 {
                bytes.push((rest % 128) as u8 | 128);
                rest /= 128;
            }
        }
        bytes.push(rest as u8);
        bytes.extend(text.as_bytes());
    }
    bytes
}
