//! The index of this runner among the runners of its host.

use fal_health::protocol::variable;

/// The index of this runner, from 0 to the number of runners less 1. `None` in a process that no host has started, such
/// as `serve`, a test or an axum server.
///
/// A replacement has the index of the runner that it replaces ([S47](fal_health::semantics#s47)). So the index can choose
/// a device, a port or a file of the runner's own. While a replacement starts, both runners have the index, unless the
/// host runs with `--replace stop-first`.
///
/// It is read from the environment variable `FAL_RUNNER_INDEX`, which child processes of the runner inherit.
pub fn runner_index() -> Option<usize> {
    std::env::var(variable::INDEX).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_process_that_no_host_has_started_has_no_index_s47b() {
        assert_eq!(super::runner_index(), None);
    }
}
