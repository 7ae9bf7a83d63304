//! The ports on which a container answers, and the ports that its probes ask.

use std::net::{Ipv4Addr, SocketAddr};

use fal_health::protocol::ListenAddress;

use super::node::Node;
use super::probes::Form;

/// The addresses on which a container answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    /// `None` for a Unix socket.
    pub(super) requests: Option<SocketAddr>,
    pub(super) probes: Option<SocketAddr>,
    /// Of a host. It answers the probes, too.
    pub(super) admin: Option<SocketAddr>,
}

impl Addresses {
    /// What is wrong with the address for requests: what it is, and what is needed.
    pub(super) fn unreachable(self) -> Option<(String, String)> {
        let wants = "an address of the pod, such as `--listen=0.0.0.0:8080`".to_owned();
        match self.requests {
            Some(address) if is_reachable(address) => None,
            Some(address) => {
                Some((format!("the address {address}, which only the container reaches"), wants))
            }
            None => Some(("a Unix socket".to_owned(), wants)),
        }
    }

    /// What is wrong with the port of a probe: what it is, and what is needed.
    pub(super) fn wrong_port(self, form: Form, container: &Node, probe: &Node) -> Option<(String, String)> {
        let port = probe.key("httpGet").key("port");
        let number = match port.text() {
            None => port.number()?,
            Some(name) => match number_of(container, name) {
                Some(number) => number,
                None => return Some((name.to_owned(), "the name of one of its `ports`".to_owned())),
            },
        };
        let answers = match form {
            Form::Host => [self.probes, self.admin],
            // The path of the health check is an endpoint.
            Form::Bare => [self.probes, self.requests.filter(|_| !is_own_page(probe))],
        };
        let ports: Vec<_> = answers.into_iter().flatten().filter(|address| is_reachable(*address)).collect();
        if ports.iter().any(|address| u64::from(address.port()) == number) {
            return None;
        }
        let has =
            if port.text().is_some() { format!("{} ({number})", port.shown()) } else { number.to_string() };
        let wants = match self.probes.filter(|address| is_reachable(*address)) {
            Some(probes) => format!("{}, where `--probes` answers", probes.port()),
            None => format!("`--probes=0.0.0.0:{number}` among the arguments"),
        };
        Some((has, wants))
    }
}

/// The address of a bare runner for requests. A name other than `localhost` may be any.
pub(super) fn of(listen: &ListenAddress) -> Option<SocketAddr> {
    let ListenAddress::Tcp { host, port } = listen else { return None };
    let ip = match host.as_str() {
        "localhost" => Ipv4Addr::LOCALHOST.into(),
        host => host.parse().unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
    };
    Some(SocketAddr::new(ip, *port))
}

/// Whether only the probes answer the path of this probe.
fn is_own_page(probe: &Node) -> bool {
    probe
        .key("httpGet")
        .key("path")
        .text()
        .is_some_and(|path| ["/livez", "/healthz", "/readyz"].contains(&path))
}

/// Whether other machines may reach an address.
fn is_reachable(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

/// The number of the container's port with this name.
fn number_of(container: &Node, name: &str) -> Option<u64> {
    let ports = container.key("ports").items();
    let port = ports.iter().find(|port| port.key("name").text() == Some(name))?;
    port.key("containerPort").number()
}
