//! A host whose runners do not start gives up (S48).

use std::num::NonZeroU32;

use fal_health::Time;

use super::simulation::{GOOD, Script, Simulation, millis, seconds, settings};
use crate::fleet::{EventKind, Exit, FleetEvent, FleetSettings, GaveUp, GiveUp, Reason};
use crate::id::RunnerId;

const FAILS: Script = Script { setup: None, exits: Some(millis(100)), ..GOOD };

fn gave_up(simulation: &Simulation) -> Option<&GaveUp> {
    simulation.events.iter().find_map(|(_, _, it)| match it {
        EventKind::GaveUp(gave_up) => Some(gave_up),
        _ => None,
    })
}

fn by_default(runners: usize) -> FleetSettings {
    FleetSettings { give_up: GiveUp::default(), ..settings(runners) }
}

fn after(failed_starts: u32, runners: usize) -> FleetSettings {
    FleetSettings { give_up: GiveUp::After(NonZeroU32::new(failed_starts).unwrap()), ..settings(runners) }
}

#[test]
fn a_host_that_never_had_a_runner_gives_up_after_five_failed_starts_s48a_s48b() {
    let mut simulation = Simulation::new(by_default(1), |_| FAILS);
    simulation.run_to(seconds(60));
    assert!(simulation.stopped);
    let gave_up = gave_up(&simulation).unwrap();
    assert_eq!((gave_up.failed_starts, gave_up.reason), (5, Reason::SetupFailed));
    assert_eq!(simulation.starts().len(), 5, "no further one is started");
    let message = "gave up after 5 failed starts in a row; the last one, runner 5, failed with `setup_failed` (status 1): its \
         process ended before it was ready";
    assert_eq!(gave_up.to_string(), message);
}

#[test]
fn a_host_whose_runner_has_taken_requests_never_gives_up_by_default_s48b() {
    let served = Script { exits: Some(seconds(10)), ..GOOD };
    let mut simulation = Simulation::new(by_default(1), move |id| if id.get() == 1 { served } else { FAILS });
    simulation.run_to(seconds(3_600));
    assert!(!simulation.stopped && gave_up(&simulation).is_none());
}

#[test]
fn a_host_that_is_set_to_gives_up_after_it_has_served_s48b() {
    let served = Script { exits: Some(seconds(10)), ..GOOD };
    let mut simulation = Simulation::new(after(3, 1), move |id| if id.get() == 1 { served } else { FAILS });
    simulation.run_to(seconds(60));
    assert!(simulation.stopped);
    assert_eq!(gave_up(&simulation).unwrap().failed_starts, 3);
}

#[test]
fn no_host_gives_up_while_a_runner_takes_requests_or_may_still_start_s48a() {
    let slow = Script { setup: Some(seconds(300)), ..GOOD };
    for other in [GOOD, slow] {
        let mut simulation =
            Simulation::new(after(3, 2), move |id| if id.get() == 1 { other } else { FAILS });
        simulation.run_to(seconds(3_600));
        assert!(!simulation.stopped && gave_up(&simulation).is_none());
        assert_eq!(simulation.routed.len(), 1);
    }
}

#[test]
fn the_last_failed_start_is_named_even_if_its_runner_has_not_ended_s48a() {
    // 1 is found unhealthy before 2, and ends before it.
    let sick = Script { sick_from: Some(Time::ZERO), stops_in: Some(seconds(3)), ..GOOD };
    let sick_later = Script { setup: Some(millis(1_500)), stops_in: Some(seconds(4)), ..sick };
    let slow = Script { setup: Some(seconds(300)), ..GOOD };
    let mut simulation = Simulation::new(after(1, 2), move |id| match id.get() {
        1 => sick,
        2 => sick_later,
        _ => slow,
    });
    simulation.run_to(seconds(60));
    assert_eq!(simulation.records()[0].id.get(), 1);
    let named = |id| simulation.happened(id, |it| matches!(it, EventKind::GaveUp(_)));
    assert_eq!((named(1), named(2)), (None, Some(simulation.records()[0].ended)));
}

#[test]
fn every_replica_has_to_fail_as_often_s48a() {
    let mut simulation = Simulation::new(by_default(3), |_| FAILS);
    simulation.run_to(seconds(60));
    assert!(simulation.stopped);
    assert_eq!(gave_up(&simulation).unwrap().failed_starts, 5);
    assert!(simulation.starts().len() >= 15, "{}", simulation.starts().len());
}

#[test]
fn a_start_follows_the_crash_of_the_last_runner_although_restarts_have_failed_before_s48a() {
    for recovers in [true, false] {
        let mut simulation = Simulation::new(after(2, 1), move |id| match id.get() {
            2 | 3 => FAILS,
            4 if !recovers => FAILS,
            _ => GOOD,
        });
        for restart in [20, 30] {
            simulation.run_to(seconds(restart));
            simulation.handle(FleetEvent::Restart);
        }
        simulation.run_to(seconds(40));
        assert_eq!(simulation.restarts.len(), 2, "both have failed, and the old runner serves");
        simulation.handle(FleetEvent::Exited { id: RunnerId::new(1), exit: Exit::Signal(11) });
        simulation.run_to(seconds(60));
        assert_eq!((simulation.starts().len(), simulation.stopped), (4, !recovers));
    }
}
