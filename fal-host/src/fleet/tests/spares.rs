//! Spares: S75.

use std::num::{NonZeroU32, NonZeroU64};

use fal_health::{Monitor, Time};

use super::simulation::{GOOD, Script, Simulation, at, at_most, millis, seconds, settings};
use crate::fleet::{
    Admission, EventKind, Exit, FleetEvent, FleetSettings, GiveUp, Reason, ReplacementStrategy, RunnerLimits,
    RunnerOrder, RunnerState,
};
use crate::id::RunnerId;

/// These runners, and one spare, the last one.
fn with_spare(runners: usize) -> FleetSettings {
    FleetSettings { spares: 1, ..settings(runners) }
}

fn promoted(it: &EventKind) -> bool {
    matches!(it, EventKind::Promoted { .. })
}

fn stands_by(it: &EventKind) -> bool {
    matches!(it, EventKind::StandsBy { .. })
}

fn routed(simulation: &Simulation) -> Vec<u64> {
    simulation.routed.iter().map(|id| id.get()).collect()
}

fn crash(simulation: &mut Simulation, id: u64) {
    simulation.handle(FleetEvent::Exited { id: RunnerId::new(id), exit: Exit::Signal(11) });
}

#[test]
fn a_spare_is_ready_checked_and_out_of_the_rotation_s75a() {
    let mut simulation = Simulation::new(with_spare(2), |_| GOOD);
    simulation.run_to(seconds(60));
    assert_eq!(routed(&simulation), [1, 2]);
    assert!(simulation.happened(3, stands_by).is_some());
    let spare = simulation.fleet.runners().find(|runner| runner.id().get() == 3).unwrap();
    assert!(simulation.fleet.is_spare(spare));
    assert_eq!(spare.state(), RunnerState::Idle);
    assert!(spare.monitor().unwrap().history().len() >= 4, "it is checked all the time");
    assert_eq!(simulation.indexes.values().copied().collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn a_spare_takes_the_place_of_a_runner_that_crashes_at_once_and_keeps_its_index_s75b_s47a() {
    let mut simulation = Simulation::new(with_spare(2), |_| GOOD);
    simulation.run_to(seconds(20));
    crash(&mut simulation, 1);
    // No time has passed.
    assert_eq!(routed(&simulation), [2, 3]);
    assert_eq!(simulation.happened(3, promoted), Some(at(seconds(20))));
    simulation.run_to(seconds(30));
    assert_eq!(routed(&simulation), [2, 3], "the replacement is the spare");
    assert!(simulation.happened(4, stands_by).is_some());
    assert_eq!(simulation.indexes[&RunnerId::new(4)], 0);
}

#[test]
fn a_spare_that_is_not_ready_yet_takes_the_place_when_it_is_if_the_replacement_is_not_sooner_s75b() {
    let slow = Script { setup: Some(seconds(100)), ..GOOD };
    let mut simulation = Simulation::new(with_spare(1), move |id| if id.get() == 1 { GOOD } else { slow });
    simulation.run_to(seconds(50));
    crash(&mut simulation, 1);
    simulation.run_to(seconds(99));
    assert!(simulation.routed.is_empty());
    simulation.run_to(seconds(101));
    assert_eq!(routed(&simulation), [2], "the spare started before the replacement");
    simulation.run_to(seconds(160));
    assert_eq!(routed(&simulation), [2]);
    assert!(simulation.happened(3, stands_by).is_some());
}

#[test]
fn a_spare_takes_no_place_while_each_replica_serves_s75b() {
    let mut simulation = Simulation::new(with_spare(3), |_| GOOD);
    simulation.run_to(seconds(3600));
    assert!(simulation.happened(4, promoted).is_none());
    assert_eq!(routed(&simulation), [1, 2, 3]);
}

#[test]
fn a_spare_replaces_an_unhealthy_runner_without_a_deferral_or_a_gap_s75c_s40() {
    let sick = Script { sick_from: Some(at(seconds(20))), ..GOOD };
    // One replacement is under way already, and takes long.
    let settings = FleetSettings { max_replacing: at_most(1), ..with_spare(3) };
    let slow = Script { setup: Some(seconds(300)), ..GOOD };
    let mut simulation = Simulation::new(settings, move |id| match id.get() {
        1 | 2 => sick,
        3 | 4 => GOOD,
        _ => slow,
    });
    simulation.run_to(seconds(120));
    assert_eq!(simulation.reasons(), [Reason::Unhealthy, Reason::Unhealthy]);
    assert_eq!(routed(&simulation), [3, 4]);
    assert!(
        simulation.events.iter().all(|(.., kind)| !matches!(kind, EventKind::ReplacementDeferred { .. })),
        "the spare completes the first replacement, so the second is within the bound"
    );
}

#[test]
fn a_spare_whose_last_check_failed_replaces_no_runner_that_still_serves_s75c_s40() {
    // A shared dependency: all fail, the spare last.
    let sick = Script { sick_from: Some(at(seconds(20))), ..GOOD };
    let settings = FleetSettings { max_replacing: at_most(1), ..with_spare(3) };
    let mut simulation = Simulation::new(settings, move |_| sick);
    simulation.run_to(seconds(600));
    assert!(routed(&simulation).len() >= 2, "never the last one (S40): {:?}", routed(&simulation));
}

#[test]
fn a_spare_that_has_passed_no_check_replaces_no_runner_that_still_serves_s75c_s44d_s40() {
    // A shared dependency fails, and each new spare is ready long before its first check.
    let sick = Script { sick_from: Some(at(seconds(40))), ..GOOD };
    let settings = FleetSettings { admission: Admission::Ready, max_replacing: at_most(1), ..with_spare(3) };
    let mut simulation = Simulation::new(settings, move |_| sick);
    simulation.run_to(seconds(600));
    let first = |id: u64| simulation.records().iter().any(|record| record.id.get() == id);
    assert!((1..=4).filter(|id| first(*id)).count() <= 3, "one serves on: {:?}", simulation.records().len());
    assert!(routed(&simulation).len() >= 2);
}

#[test]
fn an_unhealthy_spare_is_replaced_without_a_deferral_s75c() {
    let sick = Script { sick_from: Some(at(seconds(20))), ..GOOD };
    let settings = FleetSettings { max_replacing: at_most(1), ..with_spare(2) };
    let mut simulation = Simulation::new(settings, move |id| if id.get() == 3 { sick } else { GOOD });
    simulation.run_to(seconds(120));
    assert_eq!(simulation.reasons(), [Reason::Unhealthy]);
    assert_eq!(routed(&simulation), [1, 2]);
    assert!(simulation.happened(4, stands_by).is_some());
}

#[test]
fn a_rolling_restart_replaces_spares_too_and_keeps_a_spare_ready_s75d_s52a() {
    let mut simulation = Simulation::new(with_spare(2), |_| GOOD);
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Restart);
    simulation.run_to(seconds(200));
    assert_eq!(simulation.restarts, [Ok(())]);
    assert_eq!(simulation.reasons(), [Reason::Restarted; 3]);
    assert_eq!(simulation.processes.len(), 3);
    let spare = simulation.fleet.runners().filter(|runner| simulation.fleet.is_spare(runner));
    assert_eq!(spare.count(), 1);
    let ready = simulation.happened(6, stands_by).unwrap();
    let old = simulation.happened(3, |it| matches!(it, EventKind::Terminating { .. })).unwrap();
    assert!(ready <= old, "the new spare is ready before the old one ends");
}

#[test]
fn with_stop_first_a_spare_serves_while_a_replica_has_no_runner_s75b_s35b() {
    let settings = FleetSettings { replacement_strategy: ReplacementStrategy::StopFirst, ..with_spare(1) };
    let mut simulation = Simulation::new(settings, |_| GOOD);
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Restart);
    assert_eq!(routed(&simulation), [2], "the rotation has a runner while the old one drains");
    simulation.run_to(seconds(100));
    assert_eq!(simulation.restarts, [Ok(())]);
    assert_eq!(simulation.reasons(), [Reason::Restarted; 2]);
    assert_eq!(simulation.routed.len(), 1);
}

#[test]
fn a_spare_that_reaches_a_limit_is_replaced_before_it_serves_s75d_s54a() {
    let limits = RunnerLimits { age: Some(seconds(100)), ..RunnerLimits::default() };
    let mut simulation = Simulation::new(FleetSettings { limits, ..with_spare(1) }, |_| GOOD);
    simulation.run_to(seconds(150));
    assert_eq!(simulation.reasons(), [Reason::Age; 2]);
    assert_eq!(simulation.routed.len(), 1);
    assert_eq!(simulation.processes.len(), 2);
}

#[test]
fn a_host_with_a_ready_spare_does_not_give_up_s75b_s48a() {
    let once = std::num::NonZeroU32::MIN;
    let mut simulation =
        Simulation::new(FleetSettings { give_up: GiveUp::After(once), ..with_spare(1) }, move |id| {
            let fails = Script { exits: Some(millis(1)), setup: None, ..GOOD };
            if id.get() <= 2 { GOOD } else { fails }
        });
    simulation.run_to(seconds(20));
    crash(&mut simulation, 1);
    simulation.run_to(seconds(40));
    assert!(!simulation.stopped && routed(&simulation) == [2]);
}

#[test]
fn at_a_stop_a_spare_is_told_to_stop_at_once_s41c() {
    let mut simulation = Simulation::new(with_spare(1), |_| GOOD);
    simulation.run_to(seconds(20));
    let now = simulation.now;
    simulation.handle(FleetEvent::Stop);
    let told = simulation.happened(2, |it| matches!(it, EventKind::Terminating { .. }));
    assert_eq!(told, Some(now));
    assert_ne!(now, Time::ZERO);
    simulation.run_to(seconds(60));
    assert!(simulation.stopped);
}

#[test]
fn a_late_host_gives_a_spare_that_it_replaces_its_grace_period_s33c_s75d() {
    let terminating = |it: &EventKind| matches!(it, EventKind::Terminating { .. });
    let mut tried = 0;
    for begin in 20..35 {
        let settings = FleetSettings { spares: 1, min_healthy: seconds(10), ..settings(1) };
        let mut simulation = Simulation::new(settings, |_| GOOD);
        simulation.run_to(seconds(begin));
        simulation.handle(FleetEvent::Restart);
        let mut time = seconds(begin);
        while simulation.happened(4, stands_by).is_none() {
            time += millis(100);
            simulation.run_to(time);
        }
        let is_healthy = simulation.happened(4, stands_by).unwrap() + seconds(10);
        let old = simulation.fleet.runners().find(|it| it.id().get() < 3).expect("the old spare");
        let (old, check) = (old.id().get(), old.monitor().and_then(Monitor::deadline).unwrap());
        if check > is_healthy {
            // A host that is late finds both due: the end of the old spare, and then a check of it.
            simulation.now = check;
            simulation.handle(FleetEvent::Elapsed);
            assert_eq!(simulation.happened(old, terminating), Some(check));
            assert!(simulation.killed.is_empty());
            tried += 1;
        }
    }
    assert!(tried > 0);
}

#[test]
fn a_spare_replaces_an_unhealthy_runner_while_another_one_is_replaced_at_a_limit_s75c_s54c() {
    let sick = Script { sick_from: Some(at(seconds(25))), ..GOOD };
    let slow = Script { setup: Some(seconds(300)), ..GOOD };
    let limits = RunnerLimits { memory: NonZeroU64::new(1_000), ..RunnerLimits::default() };
    let settings = FleetSettings { limits, max_replacing: at_most(1), ..with_spare(2) };
    let mut simulation = Simulation::new(settings, move |id| match id.get() {
        1 | 3 => GOOD,
        2 => sick,
        _ => slow,
    });
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::MemoryMeasured { id: RunnerId::new(1), bytes: 1_000 });
    simulation.run_to(seconds(120));
    let deferred = |it: &EventKind| matches!(it, EventKind::ReplacementDeferred { .. });
    assert_eq!((routed(&simulation), simulation.happened(2, deferred)), (vec![1, 3], None));
    assert_eq!((simulation.fleet.replacing, simulation.fleet.vacated()), (1, 0));
}

#[test]
fn a_host_does_not_give_up_at_the_moment_at_which_a_spare_takes_over_s48a_s75b() {
    let fails = Script { setup: None, exits: Some(millis(100)), ..GOOD };
    let settings = FleetSettings { health: None, give_up: GiveUp::After(NonZeroU32::MIN), ..with_spare(1) };
    let mut simulation = Simulation::new(settings, move |id| if id.get() == 2 { fails } else { GOOD });
    simulation.run_to(seconds(5));
    assert_eq!(routed(&simulation), [1]);
    // The start of each replica has failed once now.
    crash(&mut simulation, 1);
    assert_eq!(routed(&simulation), [3]);
    assert!(!simulation.fleet.is_stopping());
}

#[test]
fn a_runner_of_a_spare_that_ends_is_no_spare_and_its_successor_is_s75a() {
    let mut simulation = Simulation::new(with_spare(1), |_| Script { stops_in: None, ..GOOD });
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Ordered { id: RunnerId::new(2), order: RunnerOrder::Stop });
    simulation.run_to(seconds(22));
    let is_spare = |id| simulation.fleet.observe_runner(RunnerId::new(id)).unwrap().is_spare;
    assert!(!is_spare(1) && !is_spare(2) && is_spare(3));
}
