//! What a host tells a runner by its environment.

use std::time::Duration;

use super::{AddressError, ListenAddress, VERSION, variable};

/// What a process has to know to be a runner.
///
/// ```
/// use std::time::Duration;
/// use fal_health::protocol::Assignment;
///
/// let mut assignment = Assignment::new(4711, "unix:/run/1.sock".parse()?);
/// assignment.grace_period = Some(Duration::from_secs(5));
///
/// let variables = assignment.variables();
/// let lookup = |name: &str| variables.iter().find(|(it, _)| *it == name).map(|(_, value)| value.clone());
/// assert_eq!(Assignment::from_variables(lookup)?, assignment);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Assignment {
    /// The process id of the host.
    pub host_pid: u32,
    /// Where to listen for requests.
    pub listen: ListenAddress,
    /// Where to answer health checks; `None`: where the runner listens for requests.
    pub health_listen: Option<ListenAddress>,
    /// The host's number for the runner.
    pub id: Option<u64>,
    /// The index of the replica that the runner is, from 0 ([S47](crate::semantics#s47)).
    pub index: Option<usize>,
    /// The time from SIGTERM to SIGKILL, in whole milliseconds; `None`: as the app declares it.
    pub grace_period: Option<Duration>,
    /// The name of the app to run; `None`: the only one that the program has.
    pub app: Option<String>,
}

/// Environment variables from which no [`Assignment`] can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssignmentError {
    /// The host speaks another version of the contract.
    #[error(
        "this runner speaks protocol {VERSION}, its host {host}: build both with the same version of fal-runtime"
    )]
    Protocol {
        /// The host's version, as it names it.
        host: String,
    },
    /// The host names no version of the contract.
    #[error(
        "{} is not set: this runner speaks protocol {VERSION}, its host an unknown one; build both with the same \
         version of fal-runtime",
        variable::PROTOCOL
    )]
    UnknownProtocol,
    /// A required variable is not set.
    #[error("{name} is not set: a host sets it for each of its runners")]
    Missing {
        /// The variable.
        name: &'static str,
    },
    /// The value of a variable is not an address.
    #[error("{name}: {source}")]
    Address {
        /// The variable.
        name: &'static str,
        /// What is wrong with its value.
        source: AddressError,
    },
    /// The value of a variable is not a whole number, or out of range.
    #[error("{name}: invalid value `{value}`: expected a whole number")]
    Number {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
    },
}

impl Assignment {
    /// An assignment with the required parts only.
    pub fn new(host_pid: u32, listen: ListenAddress) -> Self {
        Self { host_pid, listen, health_listen: None, id: None, index: None, grace_period: None, app: None }
    }

    /// The variables that say it, [`VERSION`] among them: names and values.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let required = [
            (variable::PROTOCOL, VERSION.to_string()),
            (variable::HOST_PID, self.host_pid.to_string()),
            (variable::LISTEN, self.listen.to_string()),
        ];
        let optional = [
            (variable::HEALTH_LISTEN, self.health_listen.as_ref().map(ToString::to_string)),
            (variable::ID, self.id.map(|id| id.to_string())),
            (variable::INDEX, self.index.map(|index| index.to_string())),
            (variable::GRACE_MS, self.grace_period.map(|grace| grace.as_millis().to_string())),
            (variable::APP, self.app.clone()),
        ];
        let optional = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
        required.into_iter().chain(optional).collect()
    }

    /// Reads an assignment from the variables of an environment, the protocol version first.
    ///
    /// # Errors
    ///
    /// If the versions differ, a required variable is not set, or a value is invalid.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, AssignmentError> {
        let host = lookup(variable::PROTOCOL).ok_or(AssignmentError::UnknownProtocol)?;
        if host.parse() != Ok(VERSION) {
            return Err(AssignmentError::Protocol { host });
        }
        let required = |name| move || AssignmentError::Missing { name };
        Ok(Self {
            host_pid: number(&lookup, variable::HOST_PID)?.ok_or_else(required(variable::HOST_PID))?,
            listen: address(&lookup, variable::LISTEN)?.ok_or_else(required(variable::LISTEN))?,
            health_listen: address(&lookup, variable::HEALTH_LISTEN)?,
            id: number(&lookup, variable::ID)?,
            index: number(&lookup, variable::INDEX)?,
            grace_period: number(&lookup, variable::GRACE_MS)?.map(Duration::from_millis),
            app: lookup(variable::APP),
        })
    }
}

fn address(
    lookup: impl Fn(&str) -> Option<String>,
    name: &'static str,
) -> Result<Option<ListenAddress>, AssignmentError> {
    let parse = |text: String| text.parse().map_err(|source| AssignmentError::Address { name, source });
    lookup(name).map(parse).transpose()
}

fn number<N: std::str::FromStr>(
    lookup: impl Fn(&str) -> Option<String>,
    name: &'static str,
) -> Result<Option<N>, AssignmentError> {
    let parse = |value: String| value.parse().map_err(|_| AssignmentError::Number { name, value });
    lookup(name).map(parse).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Assignment, AssignmentError> {
        Assignment::from_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    const REQUIRED: [(&str, &str); 3] = [
        ("FAL_RUNNER_PROTOCOL", "1"),
        ("FAL_RUNNER_HOST_PID", "42"),
        ("FAL_RUNNER_LISTEN", "tcp:127.0.0.1:8081"),
    ];

    const OPTIONAL: [(&str, &str); 5] = [
        ("FAL_RUNNER_HEALTH_LISTEN", "unix:/run/1.health.sock"),
        ("FAL_RUNNER_ID", "7"),
        ("FAL_RUNNER_INDEX", "2"),
        ("FAL_RUNNER_GRACE_MS", "1500"),
        ("FAL_RUNNER_APP", "my-app"),
    ];

    fn full() -> Assignment {
        Assignment {
            health_listen: Some(ListenAddress::Unix("/run/1.health.sock".into())),
            id: Some(7),
            index: Some(2),
            grace_period: Some(Duration::from_millis(1500)),
            app: Some("my-app".to_owned()),
            ..Assignment::new(42, "tcp:127.0.0.1:8081".parse().unwrap())
        }
    }

    #[test]
    fn every_part_is_written_to_a_variable_of_its_own_and_read_back() {
        let expected = [&REQUIRED[..], &OPTIONAL].concat();
        let written = full().variables();
        let written: Vec<_> = written.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(written, expected);
        assert!(written.iter().all(|(name, _)| name.starts_with(variable::PREFIX)));
        assert_eq!(read(&expected), Ok(full()));
    }

    #[test]
    fn optional_variables_may_be_left_out() {
        assert_eq!(read(&REQUIRED), Ok(Assignment::new(42, "tcp:127.0.0.1:8081".parse().unwrap())));
    }

    #[test]
    fn a_host_of_another_version_is_refused_before_anything_else_is_read() {
        for host in ["2", "0", "next", ""] {
            let error = read(&[("FAL_RUNNER_PROTOCOL", host), ("FAL_RUNNER_LISTEN", "?")]).unwrap_err();
            let expected = format!(
                "this runner speaks protocol 1, its host {host}: build both with the same version of fal-runtime"
            );
            assert_eq!(error.to_string(), expected);
        }
        let unknown = "FAL_RUNNER_PROTOCOL is not set: this runner speaks protocol 1, its host an unknown one; build \
                       both with the same version of fal-runtime";
        assert_eq!(read(&REQUIRED[1..]).unwrap_err().to_string(), unknown);
    }

    #[test]
    fn an_error_names_the_variable_that_is_wrong() {
        for (name, value) in [
            ("FAL_RUNNER_HOST_PID", "-1"),
            ("FAL_RUNNER_LISTEN", "8081"),
            ("FAL_RUNNER_HEALTH_LISTEN", "8081"),
            ("FAL_RUNNER_ID", "first"),
            ("FAL_RUNNER_INDEX", "-2"),
            ("FAL_RUNNER_GRACE_MS", "5s"),
        ] {
            let mut variables = [&REQUIRED[..], &OPTIONAL].concat();
            variables.retain(|(key, _)| *key != name);
            variables.push((name, value));
            let error = read(&variables).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: ")) && error.contains(value), "{error}");
        }
        for (index, (name, _)) in REQUIRED.iter().enumerate().skip(1) {
            let mut variables = REQUIRED.to_vec();
            variables.remove(index);
            assert_eq!(read(&variables), Err(AssignmentError::Missing { name }));
        }
    }
}
