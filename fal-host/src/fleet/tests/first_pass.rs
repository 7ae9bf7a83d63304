//! The first pass admits a runner (S44).

use fal_health::{HealthCheck, Time};

use super::simulation::{GOOD, Script, Simulation, at, at_most, millis, seconds, settings};
use crate::fleet::{Admission, EventKind, FleetSettings, Reason, RunnerState};

/// Its checks fail from its start until this time.
fn well_from(time: std::time::Duration) -> Script {
    Script { sick_from: Some(Time::ZERO), well_from: Some(at(time)), ..GOOD }
}

fn with_start_period(seconds: u32, runners: usize) -> FleetSettings {
    let health = HealthCheck::new().start_period_seconds(seconds);
    FleetSettings { health: Some(health), ..settings(runners) }
}

fn is_ready(it: &EventKind) -> bool {
    matches!(it, EventKind::Ready { .. })
}

fn is_started(it: &EventKind) -> bool {
    matches!(it, EventKind::Started { .. })
}

#[test]
fn a_runner_takes_requests_only_after_its_first_pass_and_is_in_setup_until_then_s44a_s44b() {
    let mut simulation = Simulation::new(with_start_period(30, 1), |_| well_from(seconds(10)));
    simulation.run_to(millis(9_990));
    let runner = simulation.fleet.runners().next().unwrap();
    assert_eq!((runner.state(), runner.awaits_first_pass()), (RunnerState::Setup, true));
    assert!(simulation.routed.is_empty());
    let ready =
        |it: &EventKind| matches!(it, EventKind::AwaitingFirstPass { after, .. } if *after == millis(500));
    assert_eq!(simulation.happened(1, ready), Some(at(millis(500))));
    let failures = simulation.events.iter().filter(|(_, _, it)| matches!(it, EventKind::Checked(_))).count();
    assert_eq!(failures, 10, "a check follows each outcome after 1 s");
    simulation.run_to(millis(11_000));
    let admitted = simulation.happened(1, is_ready).unwrap();
    assert!(admitted > at(seconds(10)) && admitted < at(millis(10_600)), "{admitted:?}");
    assert!(!simulation.fleet.runners().next().unwrap().awaits_first_pass());
    simulation.run_to(seconds(100));
    assert!(simulation.records().is_empty(), "failures inside the start period are ignored (S9)");
}

#[test]
fn a_runner_that_is_unhealthy_before_its_first_pass_waits_for_no_other_replacement_s44c() {
    let max_replacing = at_most(1);
    let settings = FleetSettings { max_replacing, ..with_start_period(0, 3) };
    let never = well_from(seconds(10_000));
    let mut simulation = Simulation::new(settings, move |id| if id.get() <= 3 { never } else { GOOD });
    simulation.run_to(seconds(4));
    assert_eq!(simulation.reasons(), [Reason::Unhealthy; 3], "no runner serves, so all are replaced");
    assert!(!simulation.events.iter().any(|(_, _, it)| matches!(it, EventKind::ReplacementDeferred { .. })));
}

#[test]
fn the_startup_timeout_ends_with_readiness_and_the_start_period_lasts_s44c() {
    // It is ready in time, and passes a minute later, when it is still younger than its start period.
    let settings = FleetSettings { startup_timeout: Some(seconds(1)), ..with_start_period(100, 1) };
    let mut simulation = Simulation::new(settings, |_| well_from(seconds(60)));
    simulation.run_to(seconds(62));
    assert!(simulation.records().is_empty());
    assert_eq!(simulation.routed.len(), 1);
}

#[test]
fn a_crash_after_the_first_pass_is_no_failed_start_however_soon_s35c() {
    // Before, each counted as a failed start until the first tick, up to 15 s later.
    let mut simulation = Simulation::new(settings(1), |_| Script { exits: Some(millis(600)), ..GOOD });
    simulation.run_to(seconds(60));
    assert_eq!(simulation.records().len(), 100);
    assert!(!simulation.events.iter().any(|(_, _, it)| matches!(it, EventKind::BackoffStarted { .. })));
}

#[test]
fn a_runner_is_admitted_when_ready_where_the_host_says_so_or_checks_are_not_periodic_s44d() {
    let ready = FleetSettings { admission: Admission::Ready, ..settings(1) };
    let on_request = FleetSettings { health: Some(HealthCheck::new().call_regularly(false)), ..settings(1) };
    let unchecked = FleetSettings { health: None, ..settings(1) };
    for settings in [ready, on_request, unchecked] {
        let mut simulation = Simulation::new(settings, |_| well_from(seconds(10_000)));
        simulation.run_to(millis(500));
        assert_eq!(simulation.routed.len(), 1);
        assert_eq!(simulation.happened(1, is_ready), Some(at(millis(500))));
        assert!(!simulation.events.iter().any(|(_, _, it)| matches!(it, EventKind::Checked(_))));
    }
}

#[test]
fn a_rolling_restart_drains_the_old_runner_at_its_successors_first_pass_s33d_s44b() {
    let settings = with_start_period(60, 1);
    let mut simulation =
        Simulation::new(settings, |id| if id.get() == 1 { GOOD } else { well_from(seconds(70)) });
    simulation.run_to(seconds(40));
    simulation.handle(crate::fleet::FleetEvent::Restart);
    simulation.run_to(seconds(100));
    let drained = simulation.happened(1, |it| matches!(it, EventKind::Draining { .. })).unwrap();
    assert_eq!(Some(drained), simulation.happened(2, is_ready));
    assert!(drained > at(seconds(70)) && simulation.happened(2, is_started) == Some(at(seconds(40))));
}

#[test]
fn a_host_that_stops_ends_a_runner_that_waits_for_its_first_pass_at_once_s41c() {
    let mut simulation = Simulation::new(settings(1), |_| well_from(seconds(10_000)));
    simulation.run_to(millis(600));
    assert!(simulation.fleet.runners().all(crate::fleet::Runner::awaits_first_pass));
    simulation.handle(crate::fleet::FleetEvent::Stop);
    let is_told = |it: &EventKind| matches!(it, EventKind::Terminating { reason: Reason::Stopped, .. });
    assert_eq!(simulation.happened(1, is_told), Some(at(millis(600))));
    simulation.run_to(seconds(2));
    assert!(simulation.stopped);
}
