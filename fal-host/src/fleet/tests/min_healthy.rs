//! Rolling restarts by health: S52.

use fal_health::HealthCheck;

use super::simulation::{GOOD, Script, Simulation, at, millis, seconds, settings};
use crate::fleet::{
    Admission, EventKind, FleetEvent, FleetSettings, MaxReplacing, Reason, ReplacementStrategy, RestartError,
    RestartStatus,
};

const MIN_HEALTHY: u64 = 40;

fn proving(runners: usize) -> FleetSettings {
    FleetSettings { min_healthy: seconds(MIN_HEALTHY), ..settings(runners) }
}

/// Restarts a fleet at 40 s, whose runners up to this id are the old ones.
fn restart(settings: FleetSettings, old: u64, new: impl Fn(u64) -> Script + 'static) -> Simulation {
    let mut simulation =
        Simulation::new(settings, move |id| if id.get() <= old { GOOD } else { new(id.get()) });
    simulation.run_to(seconds(40));
    simulation.handle(FleetEvent::Restart);
    simulation
}

fn ids(simulation: &Simulation) -> Vec<u64> {
    simulation.fleet.runners().map(|runner| runner.id().get()).collect()
}

fn failed(simulation: &Simulation) -> Option<(u64, Reason)> {
    match simulation.restarts.as_slice() {
        [Err(RestartError::SuccessorFailed { runner, reason, .. })] => Some((runner.get(), *reason)),
        _ => None,
    }
}

#[test]
fn an_old_runner_is_drained_when_its_successor_has_been_healthy_for_long_enough_s52a() {
    for health in [Some(HealthCheck::new()), Some(HealthCheck::new().call_regularly(false)), None] {
        let mut simulation = restart(FleetSettings { health, ..proving(2) }, 2, |_| GOOD);
        simulation.run_to(seconds(80));
        assert_eq!((simulation.routed.len(), simulation.fleet.runners().count()), (3, 3));
        assert!(
            simulation.fleet.runners().any(|runner| runner.id().get() == 3 && runner.awaits_min_healthy())
        );
        simulation.run_to(seconds(200));
        let ready = simulation.happened(3, |it| matches!(it, EventKind::Ready { .. })).unwrap();
        let drained = simulation.happened(1, |it| matches!(it, EventKind::Draining { .. })).unwrap();
        assert_eq!(drained.since(ready), seconds(MIN_HEALTHY), "{health:?}");
        assert_eq!((ids(&simulation), &simulation.restarts), (vec![3, 4], &vec![Ok(())]));
        assert_eq!(simulation.fleet.restart_status(), Some(RestartStatus::Completed));
        let completed = |it: &EventKind| matches!(it, EventKind::RestartCompleted { replaced: 2 });
        assert!(simulation.happened(4, completed).is_some());
    }
}

#[test]
fn a_counted_failure_starts_the_minimum_healthy_time_again_s52a() {
    let hiccup = Script { sick_from: Some(at(seconds(60))), well_from: Some(at(seconds(75))), ..GOOD };
    let mut simulation = restart(proving(1), 1, move |_| hiccup);
    simulation.run_to(seconds(200));
    let drained = simulation.happened(1, |it| matches!(it, EventKind::Draining { .. })).unwrap();
    assert!(drained >= at(seconds(75 + MIN_HEALTHY)) && drained <= at(seconds(90 + MIN_HEALTHY + 1)));
    assert_eq!(simulation.restarts, [Ok(())]);
}

#[test]
fn a_version_that_passes_once_and_then_ends_replaces_no_runner_s52a_s52b() {
    // It passes its first check at 40.5 s, and its first request ends it.
    let dies = Script { exits: Some(seconds(2)), ..GOOD };
    for health in [Some(HealthCheck::new()), None] {
        let mut simulation = restart(FleetSettings { health, ..proving(3) }, 3, move |_| dies);
        simulation.run_to(seconds(100));
        assert_eq!((ids(&simulation), failed(&simulation)), (vec![1, 2, 3], Some((4, Reason::Exited))));
        assert_eq!(simulation.reasons(), [Reason::Exited]);
        let aborted = |it: &EventKind| matches!(it, EventKind::RestartAborted { reason: Reason::Exited, .. });
        assert!(simulation.happened(4, aborted).is_some());
        let status = simulation.fleet.restart_status();
        assert!(matches!(status, Some(RestartStatus::Aborted { reason: Reason::Exited, .. })), "{status:?}");
    }
}

#[test]
fn without_a_minimum_healthy_time_such_a_version_replaces_no_second_runner_s52b() {
    let dies = Script { exits: Some(millis(700)), ..GOOD };
    let mut simulation = restart(settings(3), 3, move |_| dies);
    simulation.run_to(seconds(41));
    assert_eq!(failed(&simulation), Some((4, Reason::Exited)));
    simulation.run_to(seconds(100));
    assert_eq!(ids(&simulation)[..2], [2, 3]);
}

#[test]
fn a_successor_that_becomes_unhealthy_ends_the_restart_s52b() {
    let sick = Script { sick_from: Some(at(seconds(50))), ..GOOD };
    let long = FleetSettings { min_healthy: seconds(600), ..settings(2) };
    let mut simulation = restart(long, 2, move |_| sick);
    simulation.run_to(seconds(120));
    assert_eq!((ids(&simulation), failed(&simulation)), (vec![1, 2], Some((3, Reason::Unhealthy))));
    assert_eq!(simulation.reasons(), [Reason::Unhealthy], "it is part of no bounded replacement (S40)");
}

#[test]
fn an_earlier_successor_that_fails_ends_the_restart_and_the_unproven_one_s52b() {
    // 4 has replaced 1 and fails while 5 is to replace 2.
    let dies = Script { exits: Some(seconds(45)), ..GOOD };
    let mut simulation = restart(proving(3), 3, move |id| if id == 4 { dies } else { GOOD });
    simulation.run_to(seconds(200));
    assert_eq!((ids(&simulation), failed(&simulation)), (vec![2, 3, 6], Some((4, Reason::Exited))));
    assert_eq!(
        simulation.reasons(),
        [Reason::Restarted, Reason::Exited, Reason::RestartAborted],
        "1, 4 and 5"
    );
}

#[test]
fn with_admit_ready_a_successor_still_needs_a_pass_s52a() {
    let late = Script { sick_from: Some(at(seconds(0))), well_from: Some(at(seconds(70))), ..GOOD };
    let health = HealthCheck::new().start_period_seconds(600);
    let settings = FleetSettings { admission: Admission::Ready, health: Some(health), ..settings(1) };
    let mut simulation = restart(settings, 1, move |_| late);
    simulation.run_to(seconds(69));
    assert_eq!(simulation.routed.len(), 2, "both take requests");
    simulation.run_to(seconds(90));
    assert_eq!((ids(&simulation), &simulation.restarts), (vec![2], &vec![Ok(())]));
}

#[test]
fn under_stop_first_the_next_runner_waits_for_the_minimum_healthy_time_s35b_s52a() {
    let strategy = ReplacementStrategy::StopFirst;
    let mut simulation = restart(FleetSettings { replacement_strategy: strategy, ..proving(2) }, 2, |_| GOOD);
    simulation.run_to(seconds(200));
    let ready = simulation.happened(3, |it| matches!(it, EventKind::Ready { .. })).unwrap();
    let drained = simulation.happened(2, |it| matches!(it, EventKind::Draining { .. })).unwrap();
    assert_eq!(drained.since(ready), seconds(MIN_HEALTHY));
    assert_eq!(simulation.restarts, [Ok(())]);
}

#[test]
fn an_old_runner_that_fails_meanwhile_is_replaced_by_the_successor_at_once_s52a() {
    let mut simulation =
        Simulation::new(FleetSettings { max_replacing: MaxReplacing::Unbounded, ..proving(1) }, |id| {
            if id.get() == 1 { Script { sick_from: Some(at(seconds(41))), ..GOOD } } else { GOOD }
        });
    simulation.run_to(seconds(60));
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(90));
    assert_eq!((ids(&simulation), simulation.reasons()), (vec![2], vec![Reason::Unhealthy]));
    assert!(simulation.restarts.is_empty(), "2 must still be healthy for a while");
    simulation.run_to(seconds(150));
    assert_eq!(simulation.restarts, [Ok(())]);
}

#[test]
fn a_restart_waits_for_a_start_that_is_held_and_ends_if_it_fails_s52b() {
    let fails = Script { setup: None, exits: Some(millis(100)), ..GOOD };
    let mut simulation = Simulation::new(settings(1), move |_| fails);
    simulation.run_to(seconds(10));
    simulation.handle(FleetEvent::Restart);
    assert!(simulation.restarts.is_empty());
    simulation.run_to(seconds(30));
    assert!(matches!(failed(&simulation), Some((_, Reason::SetupFailed))), "{:?}", simulation.restarts);
}

#[test]
fn a_restart_of_a_host_that_stops_ends_with_an_error_s41a_s52c() {
    let mut simulation = restart(proving(2), 2, |_| GOOD);
    simulation.run_to(seconds(41));
    simulation.handle(FleetEvent::Stop);
    simulation.handle(FleetEvent::Restart);
    assert_eq!(simulation.restarts, [Err(RestartError::HostStopped), Err(RestartError::HostStopped)]);
}

#[test]
fn a_successor_that_asks_for_its_stop_ends_the_restart_and_the_old_runner_stays_s52b_s58b() {
    let mut simulation = restart(proving(2), 2, |_| GOOD);
    simulation.run_to(seconds(45));
    let successor = simulation.fleet.runners().find(|runner| runner.id().get() == 3).unwrap();
    assert!(successor.awaits_min_healthy());
    let id = successor.id();
    simulation.handle(FleetEvent::StopRequested { id });
    simulation.run_to(seconds(100));
    assert_eq!((ids(&simulation), failed(&simulation)), (vec![1, 2], Some((3, Reason::Requested))));
}
