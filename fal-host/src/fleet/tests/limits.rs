//! Runners that reach a limit on their memory, their age or their requests: S54.

use std::num::NonZeroU64;

use fal_health::HealthCheck;

use super::simulation::{GOOD, Script, Simulation, at, at_most, millis, seconds, settings};
use crate::fleet::{
    Admission, EventKind, FleetCommand, FleetEvent, FleetSettings, MaxReplacing, Reason, ReplacementStrategy,
    RunnerLimits, RunnerOrder,
};
use crate::id::RunnerId;

const LIMIT: u64 = 1_000;

fn limited(runners: usize) -> FleetSettings {
    let limits = RunnerLimits { memory: NonZeroU64::new(LIMIT), ..RunnerLimits::default() };
    FleetSettings { limits, max_replacing: at_most(1), ..settings(runners) }
}

fn measure(simulation: &mut Simulation, id: u64, bytes: u64) {
    simulation.handle(FleetEvent::MemoryMeasured { id: RunnerId::new(id), bytes });
}

fn draining(it: &EventKind) -> bool {
    matches!(it, EventKind::Draining { .. })
}

fn ready(it: &EventKind) -> bool {
    matches!(it, EventKind::Ready { .. })
}

fn ids(simulation: &Simulation) -> Vec<u64> {
    simulation.fleet.runners().map(|runner| runner.id().get()).collect()
}

#[test]
fn a_runner_that_reaches_its_memory_limit_is_drained_when_its_successor_is_healthy_s54a_s54c() {
    let settings = FleetSettings { min_healthy: seconds(10), ..limited(2) };
    let mut simulation = Simulation::new(settings, |_| GOOD);
    simulation.run_to(seconds(20));
    let own = simulation.fleet.runners().find_map(|runner| runner.limits.memory).unwrap().get();
    measure(&mut simulation, 1, own - 1);
    simulation.run_to(seconds(30));
    assert_eq!(ids(&simulation), [1, 2], "it has not reached the limit");
    measure(&mut simulation, 1, own);
    assert!(simulation.fleet.runners().any(|runner| runner.due() == Some(Reason::Memory)));
    for tenth in 0..200 {
        simulation.run_to(seconds(30) + millis(tenth * 100));
        assert!(simulation.routed.len() >= 2, "the capacity stays");
    }
    let drained = simulation.happened(1, draining).unwrap();
    assert_eq!(drained.since(simulation.happened(3, ready).unwrap()), seconds(10));
    assert_eq!((ids(&simulation), simulation.reasons()), (vec![2, 3], vec![Reason::Memory]));
}

#[test]
fn runners_above_a_limit_are_replaced_as_many_at_a_time_as_the_bound_allows_s54c_s40() {
    let settings = FleetSettings { max_replacing: at_most(2), ..limited(6) };
    let mut simulation = Simulation::new(settings, |_| GOOD);
    simulation.run_to(seconds(20));
    for id in 1..=6 {
        measure(&mut simulation, id, LIMIT + 1);
    }
    for tenth in 0..200 {
        simulation.run_to(seconds(20) + millis(tenth * 100));
        assert!(simulation.processes.len() <= 6 + 2 + 2, "two start, and two end");
        assert!(simulation.routed.len() >= 6);
    }
    assert_eq!(simulation.reasons(), [Reason::Memory; 6]);
    assert_eq!(ids(&simulation), [7, 8, 9, 10, 11, 12]);
}

#[test]
fn a_runner_is_replaced_before_it_is_older_than_its_limit_s54a_s54b() {
    let limits = RunnerLimits { age: Some(seconds(1_000)), ..RunnerLimits::default() };
    let mut simulation = Simulation::new(FleetSettings { limits, ..settings(3) }, |_| GOOD);
    simulation.run_to(seconds(899));
    assert_eq!(ids(&simulation), [1, 2, 3]);
    simulation.run_to(seconds(1_010));
    assert_eq!(simulation.reasons(), [Reason::Age; 3]);
    let mut ends: Vec<_> = (1..=3).map(|id| simulation.happened(id, draining).unwrap()).collect();
    ends.sort();
    assert!(ends.windows(2).all(|pair| pair[1].since(pair[0]) > seconds(10)), "not all at once: {ends:?}");
}

#[test]
fn without_periodic_checks_a_replacement_at_a_limit_is_over_when_the_successor_is_ready_s40b_s54c() {
    let limits = RunnerLimits { age: Some(seconds(20)), ..RunnerLimits::default() };
    for replacement_strategy in [ReplacementStrategy::StartFirst, ReplacementStrategy::StopFirst] {
        for health in [Some(HealthCheck::new().call_regularly(false)), None] {
            let settings = FleetSettings { health, replacement_strategy, limits, ..settings(1) };
            let mut simulation = Simulation::new(settings, |_| GOOD);
            simulation.run_to(seconds(300));
            let reasons = simulation.reasons();
            assert!(reasons.iter().all(|reason| *reason == Reason::Age), "{reasons:?}");
            assert!(reasons.len() >= 10, "{replacement_strategy:?}: {} in 300 s", reasons.len());
        }
    }
}

#[test]
fn the_number_of_requests_is_limited_when_a_runner_enters_the_rotation_s54a() {
    let limits = RunnerLimits { requests: NonZeroU64::new(100), ..RunnerLimits::default() };
    let settings = FleetSettings { limits, health: None, ..settings(1) };
    let (mut fleet, _) = crate::fleet::Fleet::start(fal_health::Time::ZERO, settings.clone());
    let id = RunnerId::new(1);
    fleet.handle(
        fal_health::Time::ZERO,
        FleetEvent::Launched { id, pid: None, started: fal_health::Time::ZERO },
    );
    let commands = fleet.handle(fal_health::Time::ZERO, FleetEvent::Ready { id });
    let limit = commands.iter().find_map(|command| match command {
        FleetCommand::LimitRequests(_, limit) => Some(limit.get()),
        _ => None,
    });
    assert!(limit.is_some_and(|limit| (90..=100).contains(&limit)), "{limit:?}");

    let mut simulation = Simulation::new(settings, |_| GOOD);
    simulation.run_to(seconds(2));
    simulation.handle(FleetEvent::RequestsReached { id });
    simulation.run_to(seconds(10));
    assert_eq!((ids(&simulation), simulation.reasons()), (vec![2], vec![Reason::Requests]));
}

#[test]
fn a_successor_that_fails_leaves_the_old_runner_and_is_tried_again_after_the_backoff_s54d() {
    let fails = Script { setup: None, exits: Some(millis(100)), ..GOOD };
    let mut simulation =
        Simulation::new(limited(1), move |id| if (2..=4).contains(&id.get()) { fails } else { GOOD });
    simulation.run_to(seconds(20));
    measure(&mut simulation, 1, LIMIT + 1);
    for tenth in 0..100 {
        simulation.run_to(seconds(20) + millis(tenth * 100));
        assert!(!simulation.routed.is_empty());
    }
    let ended = [Reason::SetupFailed, Reason::SetupFailed, Reason::SetupFailed, Reason::Memory];
    assert_eq!((ids(&simulation), simulation.reasons()), (vec![5], ended.to_vec()));
    assert!(simulation.happened(4, |it| matches!(it, EventKind::BackoffStarted { .. })).is_some());
}

#[test]
fn during_a_rolling_restart_no_other_replacement_starts_s54c() {
    let slow = Script { setup: Some(seconds(30)), ..GOOD };
    let settings = FleetSettings { max_replacing: MaxReplacing::Unbounded, ..limited(2) };
    let mut simulation = Simulation::new(settings, move |id| if id.get() > 2 { slow } else { GOOD });
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Restart);
    measure(&mut simulation, 2, LIMIT + 1);
    simulation.run_to(seconds(120));
    assert_eq!(simulation.reasons(), [Reason::Restarted; 2], "the restart replaces it");
    assert_eq!(ids(&simulation), [3, 4]);
}

#[test]
fn under_stop_first_a_runner_above_its_limit_is_drained_first_s35b_s54c() {
    let strategy = ReplacementStrategy::StopFirst;
    let mut simulation =
        Simulation::new(FleetSettings { replacement_strategy: strategy, ..limited(2) }, |_| GOOD);
    simulation.run_to(seconds(20));
    for id in [1, 2] {
        measure(&mut simulation, id, LIMIT + 1);
    }
    for tenth in 0..100 {
        simulation.run_to(seconds(20) + millis(tenth * 100));
        assert!(simulation.processes.len() <= 2 && !simulation.routed.is_empty());
    }
    assert_eq!(simulation.reasons(), [Reason::Memory; 2]);
}

#[test]
fn a_runner_that_is_due_and_becomes_unhealthy_is_replaced_by_the_successor_that_is_starting_s54c() {
    let sick = Script { sick_from: Some(at(seconds(21))), ..GOOD };
    let slow = Script { setup: Some(seconds(100)), ..GOOD };
    let mut simulation = Simulation::new(limited(1), move |id| if id.get() == 1 { sick } else { slow });
    simulation.run_to(seconds(20));
    measure(&mut simulation, 1, LIMIT + 1);
    simulation.run_to(seconds(200));
    assert_eq!((ids(&simulation), simulation.reasons()), (vec![2], vec![Reason::Unhealthy]));
    assert_eq!(simulation.starts().len(), 2);
}

#[test]
fn a_runner_that_an_operator_replaces_gets_no_further_successor_at_a_limit_s54c_s87a() {
    let slow = Script { setup: Some(seconds(10)), ..GOOD };
    let mut simulation = Simulation::new(limited(1), move |id| if id.get() == 1 { GOOD } else { slow });
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Ordered { id: RunnerId::new(1), order: RunnerOrder::Replace });
    simulation.run_to(seconds(21));
    measure(&mut simulation, 1, LIMIT);
    simulation.run_to(seconds(25));
    assert_eq!(ids(&simulation), [1, 2]);
    simulation.run_to(seconds(60));
    assert_eq!(ids(&simulation), [2]);
}

#[test]
fn a_replacement_that_reaches_a_limit_before_it_is_stable_is_not_replaced_until_then_s40b_s54c() {
    let limits = RunnerLimits { requests: NonZeroU64::new(10), ..RunnerLimits::default() };
    let settings = FleetSettings { admission: Admission::Ready, limits, ..settings(1) };
    let sick = Script { sick_from: Some(at(seconds(20))), ..GOOD };
    let mut simulation = Simulation::new(settings, move |id| if id.get() == 1 { sick } else { GOOD });
    let mut time = seconds(20);
    while simulation.happened(2, ready).is_none() {
        time += millis(100);
        simulation.run_to(time);
    }
    simulation.handle(FleetEvent::RequestsReached { id: RunnerId::new(2) });
    assert_eq!(simulation.starts().len(), 2, "its own replacement is under way");
    simulation.run_to(time + seconds(60));
    assert_eq!(simulation.reasons(), [Reason::Unhealthy, Reason::Requests]);
}

#[test]
fn a_replacement_at_a_limit_does_not_defer_that_of_an_unhealthy_runner_s54c_s40() {
    let sick = Script { sick_from: Some(at(seconds(25))), ..GOOD };
    let slow = Script { setup: Some(seconds(300)), ..GOOD };
    let mut simulation = Simulation::new(limited(4), move |id| match id.get() {
        1 | 4 => GOOD,
        2 | 3 => sick,
        _ => slow,
    });
    simulation.run_to(seconds(20));
    measure(&mut simulation, 1, LIMIT);
    simulation.run_to(seconds(120));
    // 1 serves while its successor starts. Of the unhealthy ones, one is replaced and one is deferred.
    let deferred =
        |id| simulation.happened(id, |it| matches!(it, EventKind::ReplacementDeferred { replacing: 1 }));
    assert_eq!(simulation.reasons(), [Reason::Unhealthy]);
    assert_eq!(simulation.routed.len(), 3);
    assert_eq!([2, 3].into_iter().filter(|id| deferred(*id).is_some()).count(), 1);
}

#[test]
fn runners_at_a_limit_that_become_unhealthy_are_replaced_within_the_bound_s54c_s40() {
    let sick = Script { sick_from: Some(at(seconds(25))), ..GOOD };
    let slow = Script { setup: Some(seconds(300)), ..GOOD };
    let settings = FleetSettings { max_replacing: at_most(2), ..limited(6) };
    let mut simulation = Simulation::new(settings, move |id| if id.get() <= 6 { sick } else { slow });
    simulation.run_to(seconds(20));
    for id in 1..=6 {
        measure(&mut simulation, id, LIMIT);
    }
    simulation.run_to(seconds(200));
    assert_eq!(simulation.routed.len(), 4, "a shared dependency fails, and two thirds stay");
}

#[test]
fn a_runner_that_uses_its_limit_from_the_beginning_like_the_one_before_is_replaced_at_a_tenth_more_s54e() {
    let mut simulation = Simulation::new(limited(1), |_| GOOD);
    // What setup uses does not count.
    simulation.run_to(millis(100));
    measure(&mut simulation, 1, 1);
    for time in 1..100 {
        simulation.run_to(seconds(2 * time));
        let id = *simulation.routed.last().unwrap();
        measure(&mut simulation, id.get(), 3 * LIMIT);
    }
    assert_eq!((ids(&simulation), simulation.reasons()), (vec![2], vec![Reason::Memory]));
    let is_told = |it: &EventKind| matches!(it, EventKind::LimitTooLow { reason: Reason::Memory, detail } if detail.contains("--max-memory"));
    assert_eq!(simulation.events.iter().filter(|(.., it)| is_told(it)).count(), 1);
    measure(&mut simulation, 2, 3 * LIMIT + 3 * LIMIT / 10 - 1);
    simulation.run_to(seconds(210));
    assert_eq!(ids(&simulation), [2]);
    measure(&mut simulation, 2, 3 * LIMIT + 3 * LIMIT / 10);
    simulation.run_to(seconds(220));
    assert_eq!((ids(&simulation), simulation.reasons()), (vec![3], vec![Reason::Memory; 2]));
}

#[test]
fn a_runner_whose_predecessor_did_not_begin_above_the_limit_is_replaced_at_it_s54a_s54e() {
    let mut simulation = Simulation::new(limited(1), |_| GOOD);
    for (time, id, bytes) in [(20, 1, LIMIT), (40, 2, 1), (60, 2, LIMIT), (80, 3, LIMIT)] {
        simulation.run_to(seconds(time));
        measure(&mut simulation, id, bytes);
    }
    simulation.run_to(seconds(100));
    assert_eq!((ids(&simulation), simulation.reasons()), (vec![4], vec![Reason::Memory; 3]));
}

#[test]
fn a_limit_on_age_below_the_time_of_a_start_counts_from_readiness_s54f() {
    let limits = RunnerLimits { age: Some(seconds(60)), ..RunnerLimits::default() };
    let slow = Script { setup: Some(seconds(70)), ..GOOD };
    let mut simulation = Simulation::new(FleetSettings { limits, ..settings(1) }, move |_| slow);
    simulation.run_to(seconds(71));
    let is_told = |it: &EventKind| matches!(it, EventKind::LimitTooLow { reason: Reason::Age, detail } if detail.contains("took 70.") && detail.contains("--max-age"));
    assert!(simulation.happened(1, is_told).is_some());
    simulation.run_to(seconds(70 + 53));
    assert_eq!(ids(&simulation), [1], "it serves for its limit less a tenth at most");
    simulation.run_to(seconds(70 + 62 + 72));
    assert_eq!((ids(&simulation), simulation.reasons()), (vec![2], vec![Reason::Age]));
}

#[test]
fn a_record_says_what_was_measured_at_the_limit_and_the_limit_s54g() {
    let mut simulation = Simulation::new(limited(1), |_| GOOD);
    simulation.run_to(seconds(20));
    measure(&mut simulation, 1, 1);
    measure(&mut simulation, 1, 3 << 20);
    simulation.run_to(seconds(40));
    let detail = simulation.records()[0].detail.clone().unwrap();
    assert!(detail.starts_with("it uses 3.0 MiB of resident memory, and its limit is 0.0 MiB"), "{detail}");
}
