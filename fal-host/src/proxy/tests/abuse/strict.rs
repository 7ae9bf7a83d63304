//! A reader of messages that takes nothing but what RFC 9112 lets a sender write. It shares no code with the host.

/// A message as it was on the wire.
#[derive(Debug)]
pub(super) struct Strict {
    pub(super) start: String,
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Strict {
    /// Reads the head of a message. What follows it is `body`.
    pub(super) fn read(message: &[u8]) -> Result<Self, String> {
        let end = message.windows(4).position(|window| window == b"\r\n\r\n").ok_or("the head has no end")?;
        let (head, body) = (&message[..end], &message[end + 4..]);
        let head: String = head.iter().map(|byte| char::from(*byte)).collect();
        let mut lines = head.split("\r\n");
        let start = lines.next().ok_or("no start line")?;
        if start.chars().any(|letter| letter.is_ascii_control() && letter != '\t') {
            return Err(format!("a control character in {start:?}"));
        }
        let fields = lines.map(Self::field).collect::<Result<_, _>>()?;
        Ok(Self { start: start.to_owned(), fields, body: body.to_vec() })
    }

    fn field(line: &str) -> Result<(String, String), String> {
        let (name, value) = line.split_once(':').ok_or_else(|| format!("no name in {line:?}"))?;
        let is_token = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
        if name.is_empty() || !name.chars().all(is_token) {
            return Err(format!("an invalid name: {line:?}"));
        }
        if value.chars().any(|letter| letter.is_ascii_control() && letter != '\t') {
            return Err(format!("a control character in {line:?}"));
        }
        Ok((name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned()))
    }

    /// A request as a host forwards it.
    pub(super) fn request(message: &[u8]) -> Result<Self, String> {
        let request = Self::read(message)?;
        let parts: Vec<&str> = request.start.split(' ').collect();
        let [_, target, "HTTP/1.1"] = parts[..] else {
            return Err(format!("request line {:?}", request.start));
        };
        if !target.starts_with('/') && target != "*" {
            return Err(format!("target {target:?}"));
        }
        for name in ["host", "x-fal-request-id", "x-forwarded-for", "x-forwarded-proto"] {
            if request.all(name).count() != 1 {
                return Err(format!("{name} is there once: {request:?}"));
            }
        }
        if request.all("x-fal-runner-health-check").next().is_some() {
            return Err(format!("a request for a check: {request:?}"));
        }
        let (lengths, codings) =
            (request.all("content-length").count(), request.all("transfer-encoding").count());
        if lengths + codings > 1 {
            return Err(format!("the end is ambiguous: {request:?}"));
        }
        Ok(request)
    }

    /// The last response of some, after the interim ones.
    pub(super) fn response(mut bytes: &[u8]) -> Result<Self, String> {
        loop {
            let response = Self::read(bytes)?;
            if !response.start.starts_with("HTTP/1.1 ") && !response.start.starts_with("HTTP/1.0 ") {
                return Err(format!("status line {:?}", response.start));
            }
            if response.status() >= 200 || response.status() == 101 {
                return Ok(response);
            }
            bytes = &bytes[bytes.len() - response.body.len()..];
        }
    }

    pub(super) fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the body has the end that its framing promises.
    pub(super) fn is_whole(&self) -> bool {
        match (self.all("transfer-encoding").next(), self.all("content-length").next()) {
            (Some("chunked"), _) => self.body.ends_with(b"\r\n\r\n") || self.body == b"0\r\n\r\n",
            (_, Some(length)) => length.parse() == Ok(self.body.len()),
            _ => true,
        }
    }
}
