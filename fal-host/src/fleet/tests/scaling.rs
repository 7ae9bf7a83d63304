//! Scaling at run time: S76.

use std::num::NonZeroUsize;

use fal_health::Time;

use super::simulation::{GOOD, Script, Simulation, millis, seconds, settings};
use crate::fleet::{
    EventKind, Fleet, FleetCommand, FleetEvent, FleetSettings, Reason, ReplacementStrategy, Scale,
};
use crate::id::RunnerId;

fn to(runners: usize) -> FleetEvent {
    FleetEvent::Scale(Scale::To(NonZeroUsize::new(runners).unwrap()))
}

/// The indexes of the runners in the rotation.
fn indexes(simulation: &Simulation) -> Vec<usize> {
    let mut indexes: Vec<_> = simulation.routed.iter().map(|id| simulation.indexes[id]).collect();
    indexes.sort_unstable();
    indexes
}

#[test]
fn scaling_up_starts_runners_with_new_indexes_s76a() {
    let mut simulation = Simulation::new(settings(2), |_| GOOD);
    simulation.run_to(seconds(20));
    simulation.handle(to(4));
    simulation.run_to(seconds(30));
    assert_eq!(indexes(&simulation), [0, 1, 2, 3]);
    assert_eq!(simulation.reasons(), []);
    simulation.handle(FleetEvent::Scale(Scale::Up));
    simulation.run_to(seconds(40));
    assert_eq!(indexes(&simulation), [0, 1, 2, 3, 4]);
}

#[test]
fn scaling_down_drains_the_highest_indexes_and_starts_nothing_s76b() {
    let mut simulation = Simulation::new(settings(4), |_| GOOD);
    simulation.run_to(seconds(20));
    simulation.handle(to(2));
    assert_eq!(indexes(&simulation), [0, 1]);
    simulation.run_to(seconds(200));
    assert_eq!(simulation.reasons(), [Reason::ScaledDown; 2]);
    assert_eq!((simulation.processes.len(), simulation.starts().len()), (2, 4));
}

#[test]
fn scaling_down_takes_a_runner_that_does_not_serve_before_one_that_does_s76b() {
    let broken = Script { setup: None, ..GOOD };
    let mut simulation = Simulation::new(settings(3), move |id| if id.get() == 1 { broken } else { GOOD });
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Scale(Scale::Down));
    assert_eq!(indexes(&simulation), [1, 2]);
    simulation.handle(FleetEvent::Scale(Scale::Up));
    simulation.run_to(seconds(40));
    assert_eq!(indexes(&simulation), [0, 1, 2], "the lowest free index");
}

#[test]
fn one_runner_always_stays_s76b() {
    let mut simulation = Simulation::new(settings(2), |_| GOOD);
    simulation.run_to(seconds(20));
    for _ in 0..5 {
        simulation.handle(FleetEvent::Scale(Scale::Down));
    }
    simulation.run_to(seconds(200));
    assert_eq!(indexes(&simulation), [0]);
    simulation.handle(to(1));
    simulation.run_to(seconds(300));
    assert_eq!(simulation.reasons(), [Reason::ScaledDown]);
}

#[test]
fn a_spare_serves_while_a_further_runner_starts_s76a_s75b() {
    let slow = Script { setup: Some(seconds(100)), ..GOOD };
    let settings = FleetSettings { spares: 1, ..settings(1) };
    let mut simulation = Simulation::new(settings, move |id| if id.get() <= 2 { GOOD } else { slow });
    simulation.run_to(seconds(20));
    simulation.handle(to(2));
    assert_eq!(indexes(&simulation), [0, 1], "at once");
    simulation.run_to(seconds(200));
    let spares = simulation.fleet.runners().filter(|runner| simulation.fleet.is_spare(runner));
    assert_eq!(spares.map(|runner| runner.index().get()).collect::<Vec<_>>(), [2]);
}

#[test]
fn with_stop_first_an_index_is_used_again_when_its_old_process_has_ended_s76a_s35b() {
    let slow = Script { stops_in: Some(seconds(4)), ..GOOD };
    let stop_first = FleetSettings { replacement_strategy: ReplacementStrategy::StopFirst, ..settings(2) };
    let mut simulation = Simulation::new(stop_first, move |_| slow);
    simulation.run_to(seconds(20));
    simulation.handle(to(1));
    simulation.run_to(seconds(20) + millis(500));
    simulation.handle(to(2));
    simulation.run_to(seconds(23));
    assert_eq!(simulation.starts().len(), 2, "the old process with this index lives");
    simulation.run_to(seconds(40));
    assert_eq!(indexes(&simulation), [0, 1]);
}

#[test]
fn a_rolling_restart_ends_although_its_runner_is_scaled_away_s76b_s52c() {
    let mut simulation = Simulation::new(settings(3), |_| GOOD);
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(20) + millis(100));
    simulation.handle(to(1));
    simulation.run_to(seconds(200));
    assert_eq!(simulation.restarts, [Ok(())]);
    assert_eq!(simulation.processes.len(), 1);
    assert!(!simulation.processes.contains(&RunnerId::new(1)), "the one that stays is new");
}

/// What the host tells at the end of a rolling restart that completes.
fn replaced(simulation: &Simulation) -> Vec<usize> {
    let count = |kind: &EventKind| match kind {
        EventKind::RestartCompleted { replaced } => Some(*replaced),
        _ => None,
    };
    simulation.events.iter().filter_map(|(.., kind)| count(kind)).collect()
}

#[test]
fn a_rolling_restart_counts_the_runners_that_it_has_replaced_s52c_s76a() {
    let mut simulation = Simulation::new(settings(2), |_| GOOD);
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(20) + millis(100));
    simulation.handle(to(5));
    simulation.run_to(seconds(60));
    assert_eq!((replaced(&simulation), simulation.reasons()), (vec![2], vec![Reason::Restarted; 2]));
}

#[test]
fn the_end_of_a_rolling_restart_is_told_although_its_successors_were_scaled_away_s52c_s76b() {
    let slow = Script { drains_in: Some(seconds(10)), ..GOOD };
    let settings = FleetSettings { replacement_strategy: ReplacementStrategy::StopFirst, ..settings(1) };
    let mut simulation = Simulation::new(settings, move |_| slow);
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Restart);
    simulation.handle(FleetEvent::Scale(Scale::Up));
    simulation.run_to(seconds(25));
    // The replica whose runner drains goes, because it serves no requests.
    simulation.handle(FleetEvent::Scale(Scale::Down));
    simulation.run_to(seconds(60));
    assert_eq!((simulation.restarts.len(), replaced(&simulation)), (1, vec![0]));
}

#[test]
fn a_host_that_stops_does_not_scale_s76a_s41a() {
    let mut simulation = Simulation::new(settings(2), |_| GOOD);
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Stop);
    simulation.handle(to(5));
    simulation.run_to(seconds(200));
    assert!(simulation.stopped);
    assert_eq!(simulation.reasons(), [Reason::Stopped; 2]);
    assert!(simulation.events.iter().filter(|(.., it)| matches!(it, EventKind::Started { .. })).count() == 2);
}

#[test]
fn a_runner_that_has_not_started_is_scaled_away_when_it_has_s76b() {
    let (mut fleet, _) = Fleet::start(Time::ZERO, settings(2));
    let told = |commands: &[FleetCommand]| commands.iter().any(|it| matches!(it, FleetCommand::Terminate(_)));
    assert!(!told(&fleet.handle(Time::ZERO, FleetEvent::Scale(Scale::Down))), "it has no process");
    assert!(told(
        &fleet.handle(
            Time::ZERO,
            FleetEvent::Launched { id: RunnerId::new(2), pid: None, started: Time::ZERO }
        )
    ));
}
