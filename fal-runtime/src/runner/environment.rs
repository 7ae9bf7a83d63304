//! What a host tells a process that it starts as a runner.

use std::ffi::OsString;
use std::time::Duration;

use rustix::process::Pid;

use crate::server::{AddressError, ListenAddress};

/// What a runner has been told to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    /// Where to listen.
    pub(super) listen: ListenAddress,
    /// Where to answer checks, beside the requests.
    pub(super) lane: Option<ListenAddress>,
    /// Which app to run, where the binary has several.
    pub(super) app: Option<String>,
    /// How long after SIGTERM the host kills; the app's own setting where the host does not say.
    pub(super) grace: Option<Duration>,
}

/// What this process is to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing: nobody started it as a runner.
    None,
    /// A runner, or what should be one if its assignment could be read.
    Runner(Result<Assignment, AssignmentError>),
    /// A runner whose host has gone before this was looked at.
    Orphan,
}

/// Why an assignment cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub(super) struct AssignmentError {
    name: &'static str,
    problem: String,
}

/// The processes that this one can see.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Surroundings {
    pub(super) parent: Option<Pid>,
    pub(super) channel: Channel,
}

/// What standard input looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Channel {
    /// The end of a control channel that nobody holds any more.
    Ended,
    /// Anything else.
    #[default]
    Other,
}

/// Reads the role from the environment. A runner's own children inherit its variables and are no runners: so the
/// variables name the host, and they mean its own children only.
pub(super) fn role(variable: impl Fn(&str) -> Option<OsString>, around: Surroundings) -> Role {
    let variable = |name: &str| variable(name).and_then(|value| value.into_string().ok());
    let Some(host) = variable("FAL_RUNNER_HOST_PID").and_then(|pid| process(&pid)) else {
        return Role::None;
    };
    if around.parent == Some(host) {
        Role::Runner(assignment(variable))
    } else if around.channel == Channel::Ended {
        // A runner's children do not inherit the channel: this is the runner itself.
        Role::Orphan
    } else {
        Role::None
    }
}

fn process(id: &str) -> Option<Pid> {
    Pid::from_raw(id.parse().ok().filter(|id| *id > 0)?)
}

fn assignment(variable: impl Fn(&str) -> Option<String>) -> Result<Assignment, AssignmentError> {
    let wrong = |name, problem: String| AssignmentError { name, problem };
    let address = |name| {
        let parse = |text: String| text.parse().map_err(|error: AddressError| wrong(name, error.to_string()));
        variable(name).map(parse).transpose()
    };
    let listen = address("FAL_RUNNER_LISTEN")?
        .ok_or_else(|| wrong("FAL_RUNNER_LISTEN", "the host does not say where to listen".to_owned()))?;
    let lane = address("FAL_RUNNER_HEALTH_LISTEN")?;
    let grace = variable("FAL_RUNNER_GRACE_MS")
        .map(|text| text.parse().map(Duration::from_millis))
        .transpose()
        .map_err(|_| wrong("FAL_RUNNER_GRACE_MS", "not a number of milliseconds".to_owned()))?;
    Ok(Assignment { listen, lane, app: variable("FAL_RUNNER_APP"), grace })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: i32 = 42;

    fn role_of(variables: &[(&str, &str)], parent: i32, channel: Channel) -> Role {
        let around = Surroundings { parent: Pid::from_raw(parent), channel };
        role(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()), around)
    }

    const VARIABLES: [(&str, &str); 5] = [
        ("FAL_RUNNER_HOST_PID", "42"),
        ("FAL_RUNNER_LISTEN", "unix:/run/1.sock"),
        ("FAL_RUNNER_HEALTH_LISTEN", "unix:/run/1.health.sock"),
        ("FAL_RUNNER_GRACE_MS", "1500"),
        ("FAL_RUNNER_APP", "my-app"),
    ];

    #[test]
    fn a_child_of_the_named_host_is_its_runner() {
        let assignment = Assignment {
            listen: ListenAddress::Unix("/run/1.sock".into()),
            lane: Some(ListenAddress::Unix("/run/1.health.sock".into())),
            app: Some("my-app".to_owned()),
            grace: Some(Duration::from_millis(1500)),
        };
        assert_eq!(role_of(&VARIABLES, HOST, Channel::Other), Role::Runner(Ok(assignment)));
    }

    #[test]
    fn all_but_the_address_may_be_left_out() {
        let listen = "tcp:127.0.0.1:8081".parse().unwrap();
        let variables = [("FAL_RUNNER_HOST_PID", "42"), ("FAL_RUNNER_LISTEN", "tcp:127.0.0.1:8081")];
        let assignment = Assignment { listen, lane: None, app: None, grace: None };
        assert_eq!(role_of(&variables, HOST, Channel::Other), Role::Runner(Ok(assignment)));
    }

    #[test]
    fn a_child_of_a_runner_inherits_the_variables_and_is_no_runner() {
        assert_eq!(role_of(&VARIABLES, 43, Channel::Other), Role::None);
    }

    #[test]
    fn a_runner_whose_host_died_before_it_could_look_does_not_become_something_else_s41f() {
        assert_eq!(role_of(&VARIABLES, 1, Channel::Ended), Role::Orphan);
    }

    #[test]
    fn a_process_that_nobody_started_as_a_runner_is_none() {
        assert_eq!(role_of(&[], HOST, Channel::Other), Role::None);
        for pid in ["", "0", "-1", "host"] {
            assert_eq!(role_of(&[("FAL_RUNNER_HOST_PID", pid)], HOST, Channel::Other), Role::None, "{pid:?}");
        }
    }

    #[test]
    fn an_assignment_that_cannot_be_read_says_which_variable_is_wrong() {
        for (name, value) in [
            ("FAL_RUNNER_LISTEN", "8081"),
            ("FAL_RUNNER_HEALTH_LISTEN", "8081"),
            ("FAL_RUNNER_GRACE_MS", "5s"),
        ] {
            let mut variables = VARIABLES.to_vec();
            variables.retain(|(key, _)| *key != name);
            variables.push((name, value));
            let Role::Runner(Err(error)) = role_of(&variables, HOST, Channel::Other) else {
                panic!("{name} is wrong")
            };
            assert!(error.to_string().starts_with(name), "{error}");
        }
        let Role::Runner(Err(error)) = role_of(&VARIABLES[..1], HOST, Channel::Other) else {
            panic!("no address")
        };
        assert!(error.to_string().starts_with("FAL_RUNNER_LISTEN"), "{error}");
    }
}
