//! The fields by which proxies say for whom they forward a request.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use http::header::{Entry, FORWARDED};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::client_address::ClientAddress;
use super::field_names::{is_alias, is_forwarding};

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Whether a client's forwarding fields are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The client is a proxy that is trusted: its fields are kept and appended to.
    Yes,
    /// Its fields are replaced.
    No,
}

/// How a client reaches the host, for `x-forwarded-proto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Where a request comes from.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    /// The client's address, as the value of `x-forwarded-for`.
    pub(super) address: HeaderValue,
    pub(super) scheme: Scheme,
    pub(super) trust: Trust,
    /// Whose requests share the permits with its own.
    pub(super) client: ClientAddress,
    /// The fields that name the sender, as a request has them on its way to a runner.
    pub(super) encoded: Arc<str>,
}

impl Sender {
    /// A client at an address. An IPv4 client of an IPv6 listener is written as IPv4.
    pub(super) fn new(address: IpAddr, scheme: Scheme, trust: Trust) -> Self {
        let client = ClientAddress::new(address);
        let address = HeaderValue::try_from(address.to_canonical().to_string())
            .unwrap_or_else(|_| HeaderValue::from_static("unknown"));
        let encoded = format!(
            "{FORWARDED_FOR}: {}\r\n{FORWARDED_PROTO}: {}\r\n",
            address.to_str().unwrap_or_default(),
            scheme.as_str()
        );
        Self { address, scheme, trust, client, encoded: encoded.into() }
    }

    /// The client of a request with these headers: the sender, or if that is a trusted proxy, the last address in `x-forwarded-for`
    /// that is not one (S38i).
    pub(super) fn client_of(&self, headers: &HeaderMap, trusted: &[AddressRange]) -> ClientAddress {
        let mut client = self.client;
        if self.trust == Trust::No {
            return client;
        }
        let lines = headers.get_all(&FORWARDED_FOR).iter().rev();
        for hop in lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')) {
            let Some(address) = parse(hop) else { break };
            client = ClientAddress::new(address);
            if !trusted.iter().any(|range| range.contains(address)) {
                break;
            }
        }
        client
    }
}

/// Some proxies write the port, too.
fn parse(hop: &[u8]) -> Option<IpAddr> {
    let hop = str::from_utf8(hop).ok()?.trim();
    hop.parse().ok().or_else(|| hop.parse().ok().map(|socket: SocketAddr| socket.ip()))
}

/// Removes the fields about the clients before the sender, unless the sender is trusted.
pub(super) fn remove_forwarded(headers: &mut HeaderMap, sender: &Sender) {
    let is_unwanted = |name: &HeaderName| {
        is_alias(name.as_str()) || sender.trust == Trust::No && is_forwarding(name.as_str())
    };
    if headers.keys().any(is_unwanted) {
        let unwanted: Vec<HeaderName> = headers.keys().filter(|name| is_unwanted(name)).cloned().collect();
        for name in unwanted {
            headers.remove(name);
        }
    }
}

/// Adds the sender to the forwarding fields that a request has. Returns whether it has any. Otherwise the sender's encoded fields
/// are to be written.
pub(super) fn append_sender(headers: &mut HeaderMap, sender: &Sender) -> bool {
    let Sender { address, scheme, .. } = sender;
    if headers.contains_key(FORWARDED) {
        append_hop(headers, &FORWARDED, &forwarded_element(sender));
    }
    if !headers.keys().any(|name| *name == FORWARDED_FOR || *name == FORWARDED_PROTO) {
        return false;
    }
    append_hop(headers, &FORWARDED_FOR, address);
    headers.entry(&FORWARDED_PROTO).or_insert(HeaderValue::from_static(scheme.as_str()));
    true
}

/// Appends a member to a list, whose members may be in several lines.
fn append_hop(headers: &mut HeaderMap, name: &HeaderName, hop: &HeaderValue) {
    match headers.entry(name) {
        Entry::Vacant(entry) => {
            entry.insert(hop.clone());
        }
        Entry::Occupied(mut entry) => {
            let hops: Vec<&[u8]> = entry.iter().chain([hop]).map(HeaderValue::as_bytes).collect();
            if let Ok(hops) = HeaderValue::from_bytes(&hops.join(&b", "[..])) {
                entry.insert(hops);
            }
        }
    }
}

/// The sender as a member of `forwarded` (RFC 7239). An IPv6 address is in brackets and quotes.
fn forwarded_element(Sender { address, scheme, .. }: &Sender) -> HeaderValue {
    let address = address.to_str().unwrap_or_default();
    let address = if address.contains(':') { format!("\"[{address}]\"") } else { address.to_owned() };
    HeaderValue::try_from(format!("for={address};proto={}", scheme.as_str()))
        .unwrap_or_else(|_| HeaderValue::from_static("for=unknown"))
}

/// A range of IP addresses: `10.0.0.0/8`, or one address.
///
/// ```
/// use fal_host::AddressRange;
///
/// let range: AddressRange = "10.0.0.0/8".parse()?;
/// assert!(range.contains("10.1.2.3".parse()?));
/// assert!(!range.contains("11.0.0.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    address: IpAddr,
    /// How many leading bits count.
    prefix: u8,
}

impl AddressRange {
    /// Whether an address is in the range. An IPv4 address that is written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(range), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.prefix);
                let [range, address] = [range, address].map(|it| u32::from(it).checked_shr(shift));
                range == address
            }
            (IpAddr::V6(range), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.prefix);
                let [range, address] = [range, address].map(|it| u128::from(it).checked_shr(shift));
                range == address
            }
            _ => false,
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// An invalid [`AddressRange`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an IP address or a range of them: write `10.0.0.1` or `10.0.0.0/8`")]
pub struct ParseAddressRangeError;

impl FromStr for AddressRange {
    type Err = ParseAddressRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| ParseAddressRangeError)?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(bits), str::parse).map_err(|_| ParseAddressRangeError)?;
        if prefix > bits {
            return Err(ParseAddressRangeError);
        }
        Ok(Self { address, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().unwrap()
    }

    fn is_in(range: AddressRange, address: &str) -> bool {
        range.contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_contains_the_addresses_with_its_prefix() {
        assert!(is_in(range("10.0.0.0/8"), "10.255.0.1") && !is_in(range("10.0.0.0/8"), "11.0.0.1"));
        assert!(is_in(range("10.0.0.1"), "10.0.0.1") && !is_in(range("10.0.0.1"), "10.0.0.2"));
        assert!(is_in(range("fd00::/8"), "fd12::1") && !is_in(range("fd00::/8"), "fe00::1"));
        assert!(is_in(range("0.0.0.0/0"), "1.2.3.4") && !is_in(range("0.0.0.0/0"), "::1"));
        assert!(is_in(range("127.0.0.0/8"), "::ffff:127.0.0.1"), "an IPv4 client of an IPv6 listener");
    }

    #[test]
    fn an_invalid_range_is_answered_with_what_to_write() {
        for text in ["", "localhost", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x"] {
            assert!(text.parse::<AddressRange>().unwrap_err().to_string().contains("`10.0.0.0/8`"), "{text}");
        }
        assert_eq!(range("10.0.0.0/8").to_string(), "10.0.0.0/8");
    }

    /// The client of a request that 10.0.0.1 has sent.
    fn sent(trust: Trust, forwarded_for: &[&str]) -> ClientAddress {
        let sender = Sender::new("10.0.0.1".parse().unwrap(), Scheme::Http, trust);
        let mut headers = HeaderMap::new();
        for line in forwarded_for {
            headers.append(&FORWARDED_FOR, line.parse().unwrap());
        }
        sender.client_of(&headers, &[range("10.0.0.0/8")])
    }

    #[test]
    fn the_client_is_the_last_address_of_an_untrusted_host_s38i() {
        assert_eq!(sent(Trust::Yes, &["1.1.1.1, 2.2.2.2, 10.0.0.1"]), address("2.2.2.2"));
        assert_eq!(sent(Trust::Yes, &["1.1.1.1", "2.2.2.2:80 ,10.0.0.2"]), address("2.2.2.2"));
        assert_eq!(sent(Trust::Yes, &["10.0.0.9, 10.0.0.1"]), address("10.0.0.9"), "a client behind them");
        assert_eq!(sent(Trust::Yes, &["2.2.2.2, unknown, 10.0.0.2"]), address("10.0.0.2"));
        assert_eq!(sent(Trust::Yes, &[]), address("10.0.0.1"));
        assert_eq!(sent(Trust::No, &["1.1.1.1"]), address("10.0.0.1"), "it may write what it likes");
    }

    #[test]
    fn a_sender_is_appended_to_each_list_that_a_request_has_s45f() {
        let sender = Sender::new("::1".parse().unwrap(), Scheme::Https, Trust::Yes);
        let mut headers = HeaderMap::new();
        assert!(!append_sender(&mut headers, &sender) && headers.is_empty());
        for element in ["for=1.1.1.1", "for=2.2.2.2"] {
            headers.append(FORWARDED, element.parse().unwrap());
        }
        assert!(!append_sender(&mut headers, &sender), "x-forwarded-for is still to be added");
        let all: Vec<_> = headers.get_all(FORWARDED).iter().collect();
        assert_eq!(all, ["for=1.1.1.1, for=2.2.2.2, for=\"[::1]\";proto=https"]);
    }

    fn address(text: &str) -> ClientAddress {
        ClientAddress::new(text.parse().unwrap())
    }
}
