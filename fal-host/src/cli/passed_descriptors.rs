//! The descriptors that a service manager or an old host passes to this program: the protocol of `LISTEN_FDS`
//! (`sd_listen_fds(3)`).

use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::process;

use rustix::io::fcntl_getfd;

use crate::launch::{FIRST_INHERITED, UPGRADE_FROM};

/// What was passed to this process.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// Whether an old host has passed it, and not a service manager.
    pub(super) from_host: bool,
    /// The descriptors, each with its name.
    pub(super) descriptors: Vec<(RawFd, String)>,
}

/// Reads the variables of this process, and checks that the descriptors are open.
pub(super) fn read() -> io::Result<Passed> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let parent = rustix::process::getppid().map(|parent| parent.as_raw_nonzero().get().unsigned_abs());
    let passed = parse(variable, process::id(), parent)?;
    for (number, _) in &passed.descriptors {
        #[expect(unsafe_code, reason = "a descriptor that was passed is known only by its number")]
        // SAFETY: the call fails if it is not open.
        let descriptor = unsafe { BorrowedFd::borrow_raw(*number) };
        fcntl_getfd(descriptor).map_err(|error| {
            let all = passed.descriptors.len();
            io::Error::other(format!("LISTEN_FDS is {all}, but descriptor {number} is not open: {error}"))
        })?;
    }
    Ok(passed)
}

fn parse(variable: impl Fn(&str) -> String, process: u32, parent: Option<u32>) -> io::Result<Passed> {
    let (count, for_process, old_host) =
        (variable("LISTEN_FDS"), variable("LISTEN_PID"), variable(UPGRADE_FROM));
    let from_host = !old_host.is_empty();
    // No process that a host starts inherits the variable, except the new host.
    if from_host && parent.map(|parent| parent.to_string()).as_ref() != Some(&old_host) {
        let parent = parent.map_or_else(|| "unknown".to_owned(), |parent| parent.to_string());
        return Err(io::Error::other(format!(
            "the host with the process id {old_host} ({UPGRADE_FROM}) has started this program to take over from it, but the \
             parent of this process is {parent}: a script that starts the program must do so with `exec`"
        )));
    }
    if count.is_empty() || (!from_host && for_process.is_empty()) {
        return Ok(Passed::default());
    }
    if !from_host && for_process != process.to_string() {
        tracing::warn!(
            "ignores the sockets that were passed to another process ({for_process}, LISTEN_PID) and not to this one \
             ({process}): a script that starts this program must do so with `exec`"
        );
        return Ok(Passed::default());
    }
    let invalid = |problem: String| io::Error::other(format!("invalid LISTEN_FDS={count}: {problem}"));
    let number: u16 = count.parse().map_err(|_| invalid("expected the number of sockets".to_owned()))?;
    let names = variable("LISTEN_FDNAMES");
    let names: Vec<_> = match names.as_str() {
        // As sd_listen_fds_with_names(3) calls a descriptor without a name.
        "" => vec!["unknown".to_owned(); number.into()],
        names => names.split(':').map(ToOwned::to_owned).collect(),
    };
    if names.len() != usize::from(number) {
        return Err(invalid(format!("LISTEN_FDNAMES has {} names", names.len())));
    }
    Ok(Passed { from_host, descriptors: (FIRST_INHERITED..).zip(names).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(variables: &[(&str, &str)]) -> Result<Passed, String> {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        parse(|name| value(name).unwrap_or_default().to_owned(), 7, Some(6))
            .map_err(|error| error.to_string())
    }

    fn sockets(names: &[&str]) -> Vec<(RawFd, String)> {
        (3..).zip(names.iter().map(|name| (*name).to_owned())).collect()
    }

    #[test]
    fn the_sockets_of_a_service_manager_are_for_one_process_s69b() {
        let passed = |descriptors| Ok(Passed { from_host: false, descriptors });
        let count = ("LISTEN_FDS", "2");
        let names = ("LISTEN_FDNAMES", "requests:admin");
        assert_eq!(parsed(&[count, ("LISTEN_PID", "7"), names]), passed(sockets(&["requests", "admin"])));
        assert_eq!(parsed(&[count, ("LISTEN_PID", "7")]), passed(sockets(&["unknown", "unknown"])));
        for not_for_it in [&[("LISTEN_PID", "6")][..], &[("LISTEN_PID", "x")], &[]] {
            assert_eq!(parsed(&[&[count, names], not_for_it].concat()), passed(Vec::new()), "{not_for_it:?}");
        }
        assert_eq!(parsed(&[]), passed(Vec::new()));
        assert_eq!(parsed(&[("LISTEN_FDS", "0"), ("LISTEN_PID", "7")]), passed(Vec::new()));
    }

    #[test]
    fn variables_that_contradict_each_other_are_an_error_that_names_them_s69b() {
        for (count, names, expected) in [
            ("x", "a", "invalid LISTEN_FDS=x: expected the number of sockets"),
            ("-1", "a", "invalid LISTEN_FDS=-1"),
            ("1000000000000", "a", "invalid LISTEN_FDS=1000000000000"),
            ("2", "a", "invalid LISTEN_FDS=2: LISTEN_FDNAMES has 1 names"),
        ] {
            let error = parsed(&[("LISTEN_FDS", count), ("LISTEN_PID", "7"), ("LISTEN_FDNAMES", names)]);
            assert!(error.as_ref().is_err_and(|error| error.starts_with(expected)), "{error:?}");
        }
    }

    #[test]
    fn an_old_host_passes_sockets_to_its_child_process_s91b() {
        let passed = |old_host| {
            parsed(&[("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", "upgrade"), (UPGRADE_FROM, old_host)])
        };
        let expected = Passed { from_host: true, descriptors: sockets(&["upgrade"]) };
        assert_eq!(passed("6"), Ok(expected));
        for another in ["5", "x"] {
            assert!(passed(another).is_err_and(|error| error.contains("`exec`")), "{another}");
        }
    }
}
