//! Whether a host started this process as a runner.

use std::ffi::OsString;

use fal_health::protocol::{Assignment, AssignmentError, variable};
use rustix::process::Pid;

/// What this process is to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// No host started it.
    None,
    /// A host started it as a runner, with an assignment that may be invalid.
    Runner(Result<Assignment, AssignmentError>),
    /// A host started it as a runner and has ended since.
    Orphan,
}

/// What the process knows in addition to its environment variables.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ProcessContext {
    pub(super) parent: Option<Pid>,
    pub(super) stdin: StdinState,
}

/// What standard input is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum StdinState {
    /// A control channel whose host has ended.
    ClosedChannel,
    /// Anything else.
    #[default]
    Other,
}

/// Reads the role from the environment.
///
/// A runner's own child processes inherit its variables. They are not runners, because the variables name the host, and
/// the host is not their parent.
pub(super) fn role(variable: impl Fn(&str) -> Option<OsString>, context: ProcessContext) -> Role {
    let variable = |name: &str| variable(name).and_then(|value| value.into_string().ok());
    let Some(host) = variable(variable::HOST_PID).and_then(|pid| parse_pid(&pid)) else {
        return Role::None;
    };
    if context.parent == Some(host) {
        Role::Runner(Assignment::from_variables(variable))
    } else if context.stdin == StdinState::ClosedChannel {
        // Child processes of a runner do not inherit the channel, so this is the runner itself.
        Role::Orphan
    } else {
        Role::None
    }
}

fn parse_pid(text: &str) -> Option<Pid> {
    Pid::from_raw(text.parse().ok().filter(|pid| *pid > 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: i32 = 42;

    fn role_of(variables: &[(&str, &str)], parent: i32, stdin: StdinState) -> Role {
        let context = ProcessContext { parent: Pid::from_raw(parent), stdin };
        role(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()), context)
    }

    const VARIABLES: [(&str, &str); 3] = [
        ("FAL_RUNNER_PROTOCOL", "1"),
        ("FAL_RUNNER_HOST_PID", "42"),
        ("FAL_RUNNER_LISTEN", "unix:/run/1.sock"),
    ];

    #[test]
    fn a_child_of_the_named_host_is_its_runner() {
        let assignment = Assignment::new(42, "unix:/run/1.sock".parse().unwrap());
        assert_eq!(role_of(&VARIABLES, HOST, StdinState::Other), Role::Runner(Ok(assignment)));
    }

    #[test]
    fn a_runner_with_an_invalid_assignment_is_still_a_runner() {
        let missing = AssignmentError::Missing { name: "FAL_RUNNER_LISTEN" };
        assert_eq!(role_of(&VARIABLES[..2], HOST, StdinState::Other), Role::Runner(Err(missing)));
        let unknown = AssignmentError::UnknownProtocol;
        assert_eq!(role_of(&VARIABLES[1..], HOST, StdinState::Other), Role::Runner(Err(unknown)));
    }

    #[test]
    fn a_child_of_a_runner_inherits_the_variables_and_is_no_runner() {
        assert_eq!(role_of(&VARIABLES, 43, StdinState::Other), Role::None);
    }

    #[test]
    fn a_runner_whose_host_died_before_it_could_look_does_not_become_something_else_s41f() {
        assert_eq!(role_of(&VARIABLES, 1, StdinState::ClosedChannel), Role::Orphan);
    }

    #[test]
    fn a_process_without_a_valid_host_pid_is_no_runner() {
        assert_eq!(role_of(&[], HOST, StdinState::Other), Role::None);
        for pid in ["", "0", "-1", "host"] {
            let variables = [("FAL_RUNNER_HOST_PID", pid)];
            assert_eq!(role_of(&variables, HOST, StdinState::Other), Role::None, "{pid:?}");
        }
    }
}
