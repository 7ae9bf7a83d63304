//! Unhealthy runners and their replacements, one at a time and many (S33, S35, S40).

use fal_health::{HealthCheck, Inconclusive, Outcome, Time};

use super::simulation::{FAILED, GOOD, Script, Simulation, at, at_most, millis, seconds, settings};
use crate::fleet::{
    Admission, EventKind, Fleet, FleetCommand, FleetEvent, FleetSettings, Reason, ReplacementStrategy,
};

fn terminating(it: &EventKind) -> bool {
    matches!(it, EventKind::Terminating { .. })
}

fn started(it: &EventKind) -> bool {
    matches!(it, EventKind::Started { .. })
}

/// Asks for a check of a runner and lets it fail.
fn fail_manually(simulation: &mut Simulation, id: u64) {
    let runner = simulation.fleet.runners().find(|runner| runner.id().get() == id).expect("it is there");
    let id = runner.id();
    simulation.handle(FleetEvent::ManualRequested { id });
    let check =
        simulation.fleet.runners().find(|runner| runner.id() == id).unwrap().monitor().unwrap().in_flight();
    simulation.handle(FleetEvent::CheckFinished {
        id,
        check: check.expect("it starts at once").id,
        finding: FAILED.into(),
    });
}

#[test]
fn an_unhealthy_runner_leaves_the_rotation_gets_sigterm_and_is_replaced_at_the_same_time_s33a_s35a() {
    let sick = Script { sick_from: Some(at(seconds(20))), ..GOOD };
    let mut simulation = Simulation::new(settings(1), move |id| if id.get() == 1 { sick } else { GOOD });
    simulation.run_to(seconds(80));
    let ended = simulation.happened(1, terminating).expect("three failures end it");
    assert_eq!(simulation.happened(2, started), Some(ended), "its replacement starts at once, beside it");
    assert_eq!(simulation.reasons(), [Reason::Unhealthy]);
    assert_eq!(simulation.records()[0].checks.len(), 5, "two passes and three failures");
    let latest = at(seconds(20 + 3 * 15) + millis(2));
    assert!(ended > at(seconds(50)) && ended <= latest, "{ended:?}");
}

#[test]
fn a_runner_that_outlives_its_grace_period_is_killed_s33c() {
    let stubborn = Script { sick_from: Some(Time::ZERO), stops_in: None, ..GOOD };
    let mut simulation = Simulation::new(settings(1), move |id| if id.get() == 1 { stubborn } else { GOOD });
    simulation.run_to(seconds(80));
    let (told, killed) =
        (simulation.happened(1, terminating), simulation.happened(1, |it| matches!(it, EventKind::Killed)));
    assert_eq!(killed.unwrap().since(told.unwrap()), seconds(5));
    assert_eq!(simulation.records()[0].exit, Some(crate::Exit::Signal(9)));
    assert_eq!(simulation.killed.len(), 1);
}

#[test]
fn a_stop_first_replacement_starts_when_the_old_process_has_ended_s35b() {
    let sick = Script { sick_from: Some(Time::ZERO), ..GOOD };
    let settings = FleetSettings { replacement_strategy: ReplacementStrategy::StopFirst, ..settings(1) };
    let mut simulation = Simulation::new(settings, move |id| if id.get() == 1 { sick } else { GOOD });
    simulation.run_to(seconds(80));
    let ended = simulation.happened(1, |it| matches!(it, EventKind::Terminated(_))).unwrap();
    assert_eq!(ended.since(simulation.happened(1, terminating).unwrap()), millis(200));
    assert_eq!(simulation.happened(2, started), Some(ended));
}

#[test]
fn a_manual_failure_ends_the_runner_at_once_whatever_its_age_and_the_bound_s25_s40e() {
    let health = HealthCheck::new().start_period_seconds(1_000).failure_threshold(100);
    let max_replacing = at_most(1);
    let settings = FleetSettings { health: Some(health), max_replacing, ..settings(3) };
    let mut simulation = Simulation::new(settings, |_| GOOD);
    simulation.run_to(seconds(1));
    for id in 1..=3 {
        fail_manually(&mut simulation, id);
    }
    simulation.run_to(seconds(2));
    assert_eq!(simulation.reasons(), [Reason::ManualCheckFailed; 3]);
}

#[test]
fn an_unreachable_runner_is_replaced_and_an_exit_found_first_wins_s36b_s39e() {
    let mut simulation = Simulation::new(settings(2), |_| GOOD);
    simulation.run_to(seconds(40));
    let ids: Vec<_> = simulation.fleet.runners().map(super::super::Runner::id).collect();
    simulation.handle(FleetEvent::Unreachable { id: ids[0], refused: String::new() });
    simulation.handle(FleetEvent::Exited { id: ids[1], exit: crate::Exit::Signal(11) });
    simulation.handle(FleetEvent::Unreachable { id: ids[1], refused: String::new() });
    simulation.run_to(seconds(60));
    assert_eq!(simulation.reasons(), [Reason::Exited, Reason::Unreachable]);
    assert_eq!(simulation.routed.len(), 2);
}

#[test]
fn runners_beyond_the_bound_are_deferred_and_keep_serving_s40a_s40d() {
    let all_sick = Script { sick_from: Some(at(seconds(40))), well_from: Some(at(seconds(640))), ..GOOD };
    let max_replacing = at_most(10);
    let mut simulation = Simulation::new(FleetSettings { max_replacing, ..settings(30) }, move |_| all_sick);
    for second in 40..640 {
        simulation.run_to(seconds(second));
        assert!(simulation.routed.len() >= 20, "at {second} s {} take requests", simulation.routed.len());
    }
    let of_the_first = simulation.records().iter().filter(|record| record.id.get() <= 30).count();
    assert_eq!(of_the_first, 10, "an outage of ten minutes ends the runners that the bound allows, no more");
    simulation.run_to(seconds(800));
    assert_eq!(simulation.routed.len(), 30);
    let (ended, routed) = (simulation.records().len(), simulation.routed.clone());
    simulation.run_to(seconds(3_000));
    assert_eq!(
        (simulation.records().len(), &simulation.routed),
        (ended, &routed),
        "a pass takes a waiting verdict back"
    );
}

#[test]
fn a_single_unhealthy_runner_within_the_bound_is_replaced_in_time_s40a() {
    let sick = Script { sick_from: Some(at(seconds(40))), ..GOOD };
    let max_replacing = at_most(1);
    let settings = FleetSettings { max_replacing, ..settings(30) };
    let mut simulation = Simulation::new(settings, move |id| if id.get() == 17 { sick } else { GOOD });
    simulation.run_to(seconds(40 + 45) + millis(2));
    assert!(simulation.happened(17, terminating).is_some());
}

#[test]
fn a_single_unhealthy_runner_does_not_wait_for_the_backoff_of_another_replica_s35e_s40a() {
    let never_ready = Script { setup: None, exits: Some(millis(100)), ..GOOD };
    let sick = Script { sick_from: Some(at(seconds(40))), ..GOOD };
    let settings = FleetSettings { max_replacing: at_most(1), ..settings(2) };
    let mut simulation = Simulation::new(settings, move |id| if id.get() == 2 { sick } else { never_ready });
    simulation.run_to(seconds(40 + 45) + millis(2));
    assert!(simulation.happened(2, terminating).is_some());
}

#[test]
fn a_replacement_ends_with_the_first_pass_of_the_new_runner_s40b_s40f() {
    // Two unhealthy runners, one at a time: the second goes when the first one's successor has passed.
    let sick = Script { sick_from: Some(at(seconds(40))), ..GOOD };
    let max_replacing = at_most(1);
    let settings = FleetSettings { max_replacing, ..settings(2) };
    let slow = Script { setup: Some(seconds(60)), ..GOOD };
    let mut simulation = Simulation::new(settings, move |id| if id.get() <= 2 { sick } else { slow });
    simulation.run_to(seconds(200));
    let waited = |it: &EventKind| matches!(it, EventKind::ReplacementDeferred { replacing: 1 });
    let second = (1..=2).find(|id| simulation.happened(*id, waited).is_some()).expect("one of them waits");
    let pass = simulation.happened(3, |it| matches!(it, EventKind::Checked(_))).unwrap();
    let record =
        simulation.records().into_iter().find(|record| record.id.get() == second).expect("it was replaced");
    assert_eq!(record.checks.last().map(|check| check.started), Some(pass), "it is checked again, and fails");
}

#[test]
fn deferred_runners_are_not_replaced_for_a_failure_before_the_end_of_the_outage_s40f() {
    let ends_at = |well_from: Option<Time>| {
        let sick = Script { sick_from: Some(at(seconds(40))), well_from, ..GOOD };
        let slow = Script { setup: Some(seconds(60)), ..GOOD };
        let settings = FleetSettings { max_replacing: at_most(1), ..settings(4) };
        let mut simulation = Simulation::new(settings, move |id| if id.get() <= 4 { sick } else { slow });
        simulation.run_to(seconds(400));
        simulation
    };
    let passed = |it: &EventKind| matches!(it, EventKind::Checked(record) if record.outcome == Outcome::Pass);
    let first_pass = ends_at(None).happened(5, passed).expect("the first successor passes");
    // The last checks of the deferred runners were in the outage.
    let simulation = ends_at(Some(first_pass));
    assert_eq!(simulation.reasons(), [Reason::Unhealthy], "the first one, in the outage");
    let (mut healthy, deferred) = (0, |it: &EventKind| matches!(it, EventKind::ReplacementDeferred { .. }));
    for id in (1..=4).filter(|id| simulation.happened(*id, deferred).is_some()) {
        let mine = simulation.events.iter().filter(|(_, of, it)| of.get() == id && passed(it));
        let next = mine.map(|(at, ..)| *at).find(|at| *at >= first_pass).expect("it passes");
        assert!(next <= first_pass + millis(100), "{id} is checked at once, not at its tick");
        healthy += 1;
    }
    assert_eq!(healthy, 3);
}

#[test]
fn a_replacement_is_under_way_while_its_successor_waits_in_the_backoff_s40b() {
    let sick = Script { sick_from: Some(at(seconds(40))), ..GOOD };
    let crashes = Script { setup: None, exits: Some(millis(100)), ..GOOD };
    let settings = FleetSettings { max_replacing: at_most(1), ..settings(2) };
    let mut simulation = Simulation::new(settings, move |id| if id.get() <= 2 { sick } else { crashes });
    simulation.run_to(seconds(600));
    let backoffs = simulation.events.iter().filter(|(.., it)| matches!(it, EventKind::BackoffStarted { .. }));
    assert!(backoffs.count() > 5, "the successor of one runner does not start");
    assert_eq!(simulation.routed.len(), 1, "the other one keeps its requests");
}

#[test]
fn deferred_runners_are_replaced_in_the_order_of_their_verdicts_s40() {
    let sick = Script { sick_from: Some(at(seconds(40))), ..GOOD };
    let settings = FleetSettings { max_replacing: at_most(1), ..settings(4) };
    let slow = Script { setup: Some(seconds(60)), ..GOOD };
    let mut simulation = Simulation::new(settings, move |id| if id.get() <= 4 { sick } else { slow });
    simulation.run_to(seconds(400));
    let order = |kind: fn(&EventKind) -> bool| -> Vec<_> {
        let events = simulation.events.iter().filter(|(_, id, it)| id.get() <= 4 && kind(it));
        events.map(|(_, id, _)| *id).collect()
    };
    let deferred = order(|it| matches!(it, EventKind::ReplacementDeferred { .. }));
    assert_eq!((deferred.len(), &order(terminating)[1..]), (3, &deferred[..]));
}

#[test]
fn a_manual_check_releases_permits_unless_it_fails_s20d_s30_s33a() {
    let lagged = Outcome::Inconclusive(Inconclusive::CouldNotAsk);
    let ended = |it: &FleetCommand| matches!(it, FleetCommand::ManualCheckEnded(_));
    let released = |it: &FleetCommand| matches!(it, FleetCommand::ReleasePermits(_));
    for (outcome, ends, releases) in
        [(Outcome::Pass, true, false), (lagged, false, true), (FAILED, false, false)]
    {
        let (mut fleet, _) = Fleet::start(Time::ZERO, settings(1));
        let id = fleet.runners().next().expect("it starts").id();
        let mut handle = |event| fleet.handle(Time::ZERO, event);
        handle(FleetEvent::Launched { id, pid: None, started: Time::ZERO });
        let finish = |commands: Vec<FleetCommand>, outcome: Outcome| {
            let check = commands.iter().find_map(|it| match it {
                FleetCommand::StartCheck(_, check) => Some(check.id),
                _ => None,
            });
            FleetEvent::CheckFinished { id, check: check.expect("a check starts"), finding: outcome.into() }
        };
        let first = handle(FleetEvent::Ready { id });
        handle(finish(first, Outcome::Pass));
        let manual = handle(FleetEvent::ManualRequested { id });
        let commands = handle(finish(manual, outcome));
        // After a failure a waiting request would get the permit.
        let found = (commands.iter().any(ended), commands.iter().any(released));
        assert_eq!(found, (ends, releases), "{outcome}: {commands:?}");
        assert_eq!(commands.iter().any(|it| matches!(it, FleetCommand::Unroute(_))), outcome == FAILED);
    }
}

#[test]
fn the_host_continues_without_a_process_that_survives_sigkill_s60b() {
    let undying =
        Script { sick_from: Some(at(seconds(20))), drains_in: None, stops_in: None, dies: false, ..GOOD };
    let mut simulation = Simulation::new(settings(1), move |id| if id.get() == 1 { undying } else { GOOD });
    simulation.run_to(seconds(120));
    assert!(simulation.happened(1, |it| matches!(it, EventKind::Abandoned)).is_some());
    let records = simulation.records();
    assert_eq!((records.len(), records[0].exit), (1, None));
    assert!(records[0].detail.is_some(), "the record says why it has no exit status");
}

#[test]
fn a_new_runner_found_unhealthy_before_its_first_pass_continues_the_same_replacement_s40c() {
    // With `Admission::Ready` the new runner is in the rotation already.
    for admission in [Admission::FirstPass, Admission::Ready] {
        let max_replacing = at_most(1);
        let settings = FleetSettings { admission, max_replacing, ..settings(3) };
        let mut simulation = Simulation::new(settings, |id| match id.get() {
            1..=3 => Script { sick_from: Some(at(seconds(40))), ..GOOD },
            _ => Script { sick_from: Some(Time::ZERO), ..GOOD },
        });
        simulation.run_to(seconds(2_000));
        let of_the_first = simulation.records().iter().filter(|record| record.id.get() <= 3).count();
        assert_eq!(of_the_first, 1, "only its successors are replaced, one after another");
        assert!(simulation.records().len() > 5, "{admission:?}");
    }
}

#[test]
fn without_a_bound_all_are_replaced_at_once_s40a() {
    let sick = Script { sick_from: Some(at(seconds(40))), ..GOOD };
    let mut simulation = Simulation::new(settings(30), move |id| if id.get() <= 30 { sick } else { GOOD });
    simulation.run_to(seconds(90));
    assert_eq!(simulation.records().len(), 30);
    assert_eq!(simulation.routed.len(), 30);
}

#[test]
fn the_host_keeps_the_last_256_records_s36d() {
    let mut simulation = Simulation::new(settings(20), |_| Script { exits: Some(seconds(40)), ..GOOD });
    simulation.run_to(seconds(40 * 20));
    let records = simulation.records();
    assert_eq!(records.len(), super::super::MAX_RECORDS);
    assert!(records.windows(2).all(|pair| pair[0].ended <= pair[1].ended));
    assert!(records[0].id.get() > 1);
}

#[test]
fn thirty_healthy_runners_run_for_a_day_without_a_replacement() {
    let mut simulation = Simulation::new(settings(30), |_| GOOD);
    simulation.run_to(seconds(24 * 3_600));
    assert!(simulation.records().is_empty());
    assert_eq!(simulation.routed.len(), 30);
    let checks = simulation.events.iter().filter(|(_, _, it)| matches!(it, EventKind::Checked(_))).count();
    assert!((172_770..=172_830).contains(&checks), "{checks} checks, one at the start and one each 15 s");
}
