//! Runners whose requests make no progress: S53.

use std::time::Duration;

use fal_health::{Failure, Outcome, Time};

use super::simulation::{FAILED, seconds, settings};
use crate::fleet::{EventKind, Finding, Fleet, FleetCommand, FleetEvent};

/// Starts a fleet of one runner, gives its checks these findings, and returns the outcomes and the stalls that it publishes.
fn run(findings: &[Finding]) -> (Vec<Outcome>, Vec<Duration>) {
    let (mut fleet, commands) = Fleet::start(Time::ZERO, settings(1));
    let [FleetCommand::Launch(id, _)] = *commands.as_slice() else { panic!("{commands:?}") };
    fleet.handle(Time::ZERO, FleetEvent::Launched { id, pid: None, started: Time::ZERO });
    let mut commands = fleet.handle(Time::ZERO, FleetEvent::Ready { id });
    let (mut outcomes, mut stalls) = (Vec::new(), Vec::new());
    for finding in findings {
        let start = |command: &FleetCommand| match command {
            FleetCommand::StartCheck(_, check) => Some(*check),
            _ => None,
        };
        let check = commands.iter().find_map(start).expect("a check is due");
        let now = fleet.deadline().unwrap_or(Time::ZERO);
        let published =
            fleet.handle(now, FleetEvent::CheckFinished { id, check: check.id, finding: *finding });
        for command in published {
            match command {
                FleetCommand::Emit(_, EventKind::Checked(record)) => outcomes.push(record.outcome),
                FleetCommand::Emit(_, EventKind::Stalled { since }) => stalls.push(since),
                _ => {}
            }
        }
        commands = fleet.deadline().map_or_else(Vec::new, |due| fleet.handle(due, FleetEvent::Elapsed));
    }
    (outcomes, stalls)
}

fn canary(time: Duration) -> Finding {
    Finding { canary: Some(time), ..Outcome::Pass.into() }
}

#[test]
fn a_stall_is_published_once_although_a_check_between_fails_otherwise_s53c() {
    let findings = [canary(seconds(0)), canary(seconds(10)), FAILED.into(), canary(seconds(40))];
    let (outcomes, stalls) = run(&findings);
    let stalled = Outcome::Failure(Failure::Stalled);
    assert_eq!(outcomes, [Outcome::Pass, stalled, FAILED, stalled]);
    assert_eq!(stalls, [seconds(10)]);
}

#[test]
fn a_runtime_that_ran_meanwhile_is_stalled_again_s53c() {
    let findings = [canary(seconds(0)), canary(seconds(10)), canary(seconds(0)), canary(seconds(20))];
    assert_eq!(run(&findings).1, [seconds(10), seconds(20)]);
}
