//! What an operator orders for one runner: S87.

use fal_health::Trigger;

use super::simulation::{GOOD, Script, Simulation, millis, seconds, settings};
use crate::fleet::{
    EventKind, FleetCommand, FleetEvent, FleetSettings, OrderError, Reason, ReplacementStrategy, RunnerOrder,
};
use crate::id::RunnerId;

fn order(simulation: &mut Simulation, id: u64, order: RunnerOrder) {
    simulation.handle(FleetEvent::Ordered { id: RunnerId::new(id), order });
}

fn ids(simulation: &Simulation) -> Vec<u64> {
    simulation.fleet.runners().map(|runner| runner.id().get()).collect()
}

fn serving() -> Simulation {
    let mut simulation = Simulation::new(settings(2), |_| GOOD);
    simulation.run_to(seconds(20));
    simulation
}

#[test]
fn a_drained_runner_leaves_the_rotation_at_once_and_its_successor_starts_at_once_s87a() {
    let mut simulation = serving();
    order(&mut simulation, 1, RunnerOrder::Drain);
    assert_eq!((simulation.routed.len(), ids(&simulation)), (1, vec![1, 2, 3]));
    simulation.run_to(seconds(30));
    assert_eq!((ids(&simulation), simulation.reasons()), (vec![2, 3], vec![Reason::Operator]));
    assert!(simulation.killed.is_empty());
    assert_eq!(simulation.records()[0].detail.as_deref(), Some("an operator ordered: drain"));
}

#[test]
fn a_replaced_runner_stays_until_its_successor_is_healthy_s87a() {
    let mut simulation = serving();
    order(&mut simulation, 1, RunnerOrder::Replace);
    for tenth in 0..100 {
        simulation.run_to(seconds(20) + millis(tenth * 100));
        assert!(simulation.routed.len() >= 2, "the capacity stays");
    }
    assert_eq!((ids(&simulation), simulation.reasons()), (vec![2, 3], vec![Reason::Operator]));
}

#[test]
fn a_stopped_runner_gets_sigterm_and_a_killed_one_sigkill_at_once_s87a() {
    let mut simulation = serving();
    order(&mut simulation, 1, RunnerOrder::Stop);
    let terminating = |it: &EventKind| matches!(it, EventKind::Terminating { .. });
    assert!(simulation.happened(1, terminating).is_some());
    order(&mut simulation, 2, RunnerOrder::Kill);
    assert!(simulation.killed.contains(&RunnerId::new(2)) && simulation.happened(2, terminating).is_none());
    simulation.run_to(seconds(30));
    assert_eq!((ids(&simulation), simulation.reasons()), (vec![3, 4], vec![Reason::Operator; 2]));
}

#[test]
fn under_stop_first_the_successor_of_a_killed_runner_waits_for_its_end_s35b_s87a() {
    let settings = FleetSettings { replacement_strategy: ReplacementStrategy::StopFirst, ..settings(1) };
    let mut simulation = Simulation::new(settings, |_| GOOD);
    simulation.run_to(seconds(20));
    order(&mut simulation, 1, RunnerOrder::Kill);
    assert_eq!(ids(&simulation), [1]);
    simulation.run_to(seconds(30));
    assert_eq!(ids(&simulation), [2]);
}

#[test]
fn an_ordered_end_is_no_failed_start_s35c_s87a() {
    let slow = Script { setup: Some(seconds(5)), ..GOOD };
    let mut simulation = Simulation::new(settings(1), move |_| slow);
    for (id, end) in (1..=6).zip([RunnerOrder::Stop, RunnerOrder::Kill].into_iter().cycle()) {
        simulation.run_to(seconds(id));
        order(&mut simulation, id, end);
    }
    simulation.run_to(seconds(20));
    let held = |(_, _, kind): &(_, _, EventKind)| matches!(kind, EventKind::BackoffStarted { .. });
    assert!(!simulation.events.iter().any(held));
    assert_eq!(simulation.reasons(), [Reason::Operator; 6]);
}

#[test]
fn an_order_that_can_have_no_effect_is_refused_with_the_cause_s87a() {
    let mut simulation = serving();
    let accepts = |simulation: &Simulation, id, order| simulation.fleet.accepts(RunnerId::new(id), order);
    assert_eq!(accepts(&simulation, 9, RunnerOrder::Drain), Err(OrderError::Unknown));
    order(&mut simulation, 1, RunnerOrder::Drain);
    let ending = Err(OrderError::Ending(Reason::Operator));
    assert_eq!(accepts(&simulation, 1, RunnerOrder::Drain), ending);
    assert_eq!(accepts(&simulation, 1, RunnerOrder::Stop), Ok(()));
    order(&mut simulation, 1, RunnerOrder::Stop);
    assert_eq!(accepts(&simulation, 1, RunnerOrder::Stop), ending);
    assert_eq!(accepts(&simulation, 1, RunnerOrder::Kill), Ok(()));
    order(&mut simulation, 1, RunnerOrder::Kill);
    assert_eq!(accepts(&simulation, 1, RunnerOrder::Kill), ending);
    // The successor of the first one starts.
    simulation.run_to(seconds(20));
    assert_eq!(simulation.fleet.accepts_check(RunnerId::new(3)), Err(OrderError::NotInRotation));
    assert_eq!(simulation.fleet.accepts_check(RunnerId::new(2)), Ok(()));
    simulation.handle(FleetEvent::Stop);
    assert_eq!(accepts(&simulation, 2, RunnerOrder::Stop), Err(OrderError::HostStopping));
}

#[test]
fn a_rolling_restart_goes_on_when_an_operator_ends_its_successor_s52b_s87a() {
    let mut simulation = serving();
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(20) + millis(100));
    order(&mut simulation, 3, RunnerOrder::Kill);
    simulation.run_to(seconds(60));
    assert_eq!(simulation.restarts, [Ok(())]);
    assert!(!ids(&simulation).iter().any(|id| *id <= 3), "{:?}", ids(&simulation));
}

#[test]
fn a_runner_that_has_not_started_can_get_no_order_s87a() {
    let fails = Script { setup: None, exits: Some(millis(100)), ..GOOD };
    let mut simulation = Simulation::new(settings(1), move |_| fails);
    for (id, time) in [(1, millis(0)), (3, millis(300))] {
        if id == 3 {
            simulation.run_to(time);
        }
        let accepted = simulation.fleet.accepts(RunnerId::new(id), RunnerOrder::Kill);
        assert_eq!(accepted, Err(OrderError::NotStarted), "PENDING, and CRASH_BACKOFF");
    }
}

#[test]
fn an_order_to_replace_ends_a_runner_that_has_not_been_admitted_and_under_stop_first_any_s87a() {
    let slow = Script { setup: Some(seconds(100)), ..GOOD };
    let mut simulation = Simulation::new(settings(1), move |_| slow);
    simulation.run_to(seconds(1));
    order(&mut simulation, 1, RunnerOrder::Replace);
    simulation.run_to(seconds(2));
    let stop_first = FleetSettings { replacement_strategy: ReplacementStrategy::StopFirst, ..settings(1) };
    let mut other = Simulation::new(stop_first, |_| GOOD);
    other.run_to(seconds(20));
    order(&mut other, 1, RunnerOrder::Replace);
    other.run_to(seconds(30));
    for simulation in [simulation, other] {
        assert_eq!((ids(&simulation), simulation.reasons()), (vec![2], vec![Reason::Operator]));
        assert_eq!(simulation.records()[0].detail.as_deref(), Some("an operator ordered: replace"));
    }
}

#[test]
fn a_check_that_an_operator_asks_for_is_made_at_once_s87b() {
    let mut simulation = serving();
    let id = RunnerId::new(1);
    let commands = simulation.fleet.handle(simulation.now, FleetEvent::CheckOrdered { id });
    let manual = |command: &FleetCommand| matches!(command, FleetCommand::StartCheck(_, check) if check.trigger == Trigger::Manual);
    assert!(commands.iter().any(manual), "{commands:?}");
}
