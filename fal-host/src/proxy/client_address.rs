//! The address whose requests share the permits as one client (S38i).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The address of a client, or the network of 64 bits of an IPv6 client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ClientAddress(IpAddr);

/// The bits of an IPv6 address that name its network. A client with one address of a network often has all of them.
const NETWORK: u128 = u128::MAX << 64;

impl ClientAddress {
    pub(super) fn new(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & NETWORK).into(),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

impl Default for ClientAddress {
    fn default() -> Self {
        Self(Ipv4Addr::UNSPECIFIED.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str) -> ClientAddress {
        ClientAddress::new(address.parse().unwrap())
    }

    #[test]
    fn an_ipv6_client_is_its_network_and_an_ipv4_client_its_address_s38i() {
        assert_eq!(client("2001:db8:1:2::3"), client("2001:db8:1:2:ffff::"));
        assert_ne!(client("2001:db8:1:2::3"), client("2001:db8:1:3::3"));
        assert_ne!(client("127.0.0.1"), client("127.0.0.2"));
        assert_eq!(client("::ffff:127.0.0.1"), client("127.0.0.1"));
    }
}
