//! Rolling restarts.

use fal_health::HealthCheck;

use super::simulation::{GOOD, Script, Simulation, at, millis, seconds, settings};
use crate::fleet::{EventKind, Exit, FleetEvent, FleetSettings, Reason, ReplacementStrategy};

fn ready(it: &EventKind) -> bool {
    matches!(it, EventKind::Ready { .. })
}

fn draining(it: &EventKind) -> bool {
    matches!(it, EventKind::Draining { .. })
}

fn aborted(simulation: &Simulation) -> bool {
    simulation.events.iter().any(|(_, _, it)| matches!(it, EventKind::RestartAborted { .. }))
}

/// Ends the process of a runner that was not told to stop.
fn crash(simulation: &mut Simulation, id: u64) {
    let id = simulation.processes.iter().find(|it| it.get() == id).copied().expect("its process runs");
    simulation.handle(FleetEvent::Exited { id, exit: Exit::Status(1) });
}

/// One replica whose runners are stable after a minute of readiness.
fn without_periodic_checks() -> FleetSettings {
    FleetSettings { health: Some(HealthCheck::new().call_regularly(false)), ..settings(1) }
}

#[test]
fn a_rolling_restart_replaces_runners_one_after_another_and_keeps_the_capacity_s33d() {
    let mut simulation = Simulation::new(settings(3), |_| GOOD);
    simulation.run_to(seconds(40));
    simulation.handle(FleetEvent::Restart);
    for tenth in 0..200 {
        simulation.run_to(seconds(40) + millis(tenth * 100));
        assert!(simulation.routed.len() >= 3, "{} take requests", simulation.routed.len());
        assert!(simulation.processes.len() <= 4, "one at a time");
    }
    assert_eq!(simulation.reasons(), [Reason::Restarted; 3]);
    assert_eq!(simulation.fleet.runners().map(|runner| runner.id().get()).collect::<Vec<_>>(), [4, 5, 6]);
    for (old, new) in [(1, 4), (2, 5), (3, 6)] {
        assert_eq!(
            simulation.happened(old, draining),
            simulation.happened(new, ready),
            "drained when its successor is ready"
        );
    }
}

#[test]
fn a_successor_that_fails_to_start_aborts_the_restart_and_keeps_the_old_runners_s35g() {
    let fails = Script { setup: None, exits: Some(millis(100)), ..GOOD };
    let mut simulation = Simulation::new(settings(3), move |id| if id.get() == 5 { fails } else { GOOD });
    simulation.run_to(seconds(40));
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(100));
    assert!(aborted(&simulation));
    assert_eq!(simulation.reasons(), [Reason::Restarted, Reason::SetupFailed]);
    assert_eq!(simulation.fleet.runners().map(|runner| runner.id().get()).collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn a_stop_first_restart_ends_the_old_runner_first_s35b() {
    let settings = FleetSettings { replacement_strategy: ReplacementStrategy::StopFirst, ..settings(2) };
    let mut simulation = Simulation::new(settings, |_| GOOD);
    simulation.run_to(seconds(40));
    simulation.handle(FleetEvent::Restart);
    for tenth in 0..100 {
        simulation.run_to(seconds(40) + millis(tenth * 100));
        assert!(simulation.processes.len() <= 2);
        assert!(!simulation.routed.is_empty());
    }
    assert_eq!(simulation.reasons(), [Reason::Restarted; 2]);
    assert_eq!(simulation.routed.len(), 2);
}

#[test]
fn a_runner_that_exits_while_its_successor_starts_is_replaced_by_the_successor() {
    let exits = Script { exits: Some(seconds(40) + millis(200)), ..GOOD };
    let mut simulation = Simulation::new(settings(1), move |id| if id.get() == 1 { exits } else { GOOD });
    simulation.run_to(seconds(40));
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(60));
    assert_eq!(simulation.reasons(), [Reason::Exited]);
    assert_eq!(simulation.fleet.runners().map(|runner| runner.id().get()).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_runner_found_unhealthy_while_its_successor_starts_is_replaced_by_the_successor() {
    let sick = Script { sick_from: Some(at(seconds(10))), ..GOOD };
    let slow = Script { setup: Some(seconds(100)), ..GOOD };
    let mut simulation = Simulation::new(settings(1), move |id| if id.get() == 1 { sick } else { slow });
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(150));
    assert_eq!(simulation.reasons(), [Reason::Unhealthy]);
    assert_eq!(simulation.fleet.runners().map(|runner| runner.id().get()).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_second_restart_during_the_first_replaces_the_new_runners_too() {
    let mut simulation = Simulation::new(settings(2), |_| GOOD);
    simulation.run_to(seconds(40));
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(41));
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(60));
    assert!(simulation.reasons().iter().all(|reason| *reason == Reason::Restarted));
    assert!(simulation.fleet.runners().all(|runner| runner.started() > at(seconds(41))));
    assert_eq!(simulation.routed.len(), 2);
}

#[test]
fn a_failed_start_of_another_replica_does_not_abort_a_restart_s35g() {
    let slow = Script { setup: Some(millis(2_200)), ..GOOD };
    let exits = Script { exits: Some(seconds(41)), ..GOOD };
    let fails = Script { setup: None, exits: Some(millis(100)), ..GOOD };
    let mut simulation = Simulation::new(settings(2), move |id| match id.get() {
        2 => exits,
        3 => slow,
        4 => fails,
        _ => GOOD,
    });
    simulation.run_to(seconds(40));
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(60));
    assert_eq!(simulation.reasons(), [Reason::Exited, Reason::SetupFailed, Reason::Restarted]);
    assert!(!aborted(&simulation), "4 took the place of 2 and failed while 3 started");
    assert_eq!(simulation.fleet.runners().map(|runner| runner.id().get()).collect::<Vec<_>>(), [3, 5]);
}

#[test]
fn a_runner_that_an_earlier_restart_drains_does_not_abort_the_next_one_s35g_s47a() {
    let long_request = Script { drains_in: None, ..GOOD };
    let slow = Script { setup: Some(seconds(5)), ..GOOD };
    let mut simulation = Simulation::new(without_periodic_checks(), move |id| match id.get() {
        1 => long_request,
        4 => slow,
        _ => GOOD,
    });
    simulation.run_to(seconds(1));
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(2));
    crash(&mut simulation, 2);
    assert!(aborted(&simulation), "its own successor failed");
    simulation.events.clear();
    simulation.run_to(seconds(3));
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(4));
    crash(&mut simulation, 1);
    assert!(!aborted(&simulation), "4 is the successor, and it is starting");
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(60));
    assert!(!aborted(&simulation));
    assert_eq!(simulation.fleet.runners().map(|runner| runner.id().get()).collect::<Vec<_>>(), [5]);
    assert_eq!(simulation.processes.len(), 1);
    let ended = [Reason::Exited, Reason::Exited, Reason::Restarted, Reason::Restarted];
    assert_eq!(simulation.reasons(), ended, "2, 1, 3 and 4");
    assert!(simulation.fleet.rolling_restart.is_none(), "it has ended");
}

#[test]
fn a_draining_runner_that_exits_is_not_a_failed_start_s35c() {
    let long_request = Script { drains_in: None, ..GOOD };
    let mut simulation = Simulation::new(without_periodic_checks(), move |id| match id.get() {
        1 => long_request,
        _ => GOOD,
    });
    simulation.run_to(seconds(1));
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(2));
    crash(&mut simulation, 1);
    crash(&mut simulation, 2);
    let waits = |it: &EventKind| matches!(it, EventKind::BackoffStarted { .. });
    assert_eq!(simulation.happened(3, waits), None, "only the start of 2 has failed");
    assert_eq!(simulation.reasons(), [Reason::Exited; 2]);
}

#[test]
fn a_stop_ends_a_rolling_restart_s41a() {
    let mut simulation = Simulation::new(settings(3), |_| GOOD);
    simulation.run_to(seconds(40));
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(40) + millis(200));
    simulation.handle(FleetEvent::Stop);
    simulation.run_to(seconds(60));
    assert!(simulation.stopped && simulation.processes.is_empty());
    assert_eq!(simulation.records().len(), 4);
}

#[test]
fn another_restart_waits_for_the_runner_that_ends_meanwhile_s52() {
    let slow = Script { drains_in: Some(seconds(10)), ..GOOD };
    let mut simulation = Simulation::new(settings(2), move |_| slow);
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(22));
    assert!(simulation.happened(1, draining).is_some());
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(29));
    assert_eq!(simulation.starts().len(), 3, "runner 1 still ends");
    simulation.run_to(seconds(120));
    assert_eq!(simulation.reasons(), [Reason::Restarted; 3]);
    assert_eq!(simulation.restarts.len(), 1);
}

#[test]
fn a_successor_that_serves_is_drained_when_another_restart_supersedes_it_s33d_s52() {
    let settings = FleetSettings { min_healthy: seconds(10), ..settings(1) };
    let mut simulation = Simulation::new(settings, |_| GOOD);
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(25));
    assert_eq!(simulation.routed.len(), 2);
    simulation.handle(FleetEvent::Restart);
    assert_eq!(simulation.happened(2, draining), Some(at(seconds(25))));
}

#[test]
fn failed_restarts_delay_no_start_after_the_end_of_the_old_runner_s35e() {
    let fails = Script { setup: None, exits: Some(millis(100)), ..GOOD };
    let mut simulation = Simulation::new(settings(1), move |id| if id.get() <= 1 { GOOD } else { fails });
    simulation.run_to(seconds(40));
    for minute in 1..=8 {
        simulation.handle(FleetEvent::Restart);
        simulation.run_to(seconds(40 + 120 * minute));
    }
    // The last restart, whose successor waits.
    simulation.handle(FleetEvent::Restart);
    let held = simulation.fleet.runners().any(|it| it.backoff_until().is_some());
    assert!(!held, "each waited for longer than the backoff");
    simulation.run_to(seconds(1_001));
    simulation.handle(FleetEvent::Restart);
    assert!(simulation.fleet.runners().any(|it| it.backoff_until().is_some()), "this one waits");
    let started = simulation.starts().len();
    crash(&mut simulation, 1);
    simulation.run_to(seconds(1_001) + millis(1));
    assert_eq!(simulation.starts().len(), started + 1, "the waiting successor starts at once");
    simulation.run_to(seconds(1_030));
    assert_eq!(simulation.starts().len(), started + 1, "and the one after it waits again");
}

#[test]
fn a_failed_restart_delays_no_start_after_a_crash_s35e() {
    let fails = Script { setup: None, exits: Some(millis(100)), ..GOOD };
    let mut simulation =
        Simulation::new(settings(1), move |id| if matches!(id.get(), 2..=6) { fails } else { GOOD });
    simulation.run_to(seconds(40));
    for _ in 0..5 {
        simulation.handle(FleetEvent::Restart);
        let end = simulation.now.since(at(seconds(0))) + seconds(10);
        simulation.run_to(end);
    }
    crash(&mut simulation, 1);
    assert!(simulation.fleet.runners().all(|it| it.backoff_until().is_none()));
    let end = simulation.now.since(at(seconds(0))) + seconds(2);
    simulation.run_to(end);
    assert_eq!(simulation.routed.len(), 1);
}
