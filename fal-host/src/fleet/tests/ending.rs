use fal_health::Time;

use super::world::{GOOD, Script, World, millis, seconds, settings};
use crate::fleet::{Exit, FleetSettings, Happening, Input, Reason, RunnerState};

fn draining(it: &Happening) -> bool {
    matches!(it, Happening::Draining { .. })
}

fn terminating(it: &Happening) -> bool {
    matches!(it, Happening::Terminating { .. })
}

#[test]
fn a_host_that_stops_drains_then_terminates_and_starts_nothing_s33d_s41a() {
    let mut world = World::new(settings(2), |_| GOOD);
    world.run_to(seconds(20));
    world.tell(Input::Stop);
    assert!(world.routed.is_empty(), "they leave the rotation at once");
    world.run_to(seconds(60));
    for id in 1..=2 {
        let (left, told) = (world.happened(id, draining).unwrap(), world.happened(id, terminating).unwrap());
        assert_eq!(told.since(left), millis(100), "SIGTERM follows the last request");
    }
    assert!(world.stopped);
    assert_eq!(world.reasons(), [Reason::Stopped; 2]);
    assert_eq!(world.starts().len(), 2);
}

#[test]
fn requests_that_never_end_hold_a_stop_for_the_drain_timeout_and_the_grace_period_s33d_s41d() {
    let endless = Script { drains_in: None, stops_in: None, ..GOOD };
    let mut world = World::new(settings(1), move |_| endless);
    world.run_to(seconds(20));
    world.tell(Input::Stop);
    world.run_to(seconds(100));
    let left = world.happened(1, draining).unwrap();
    assert_eq!(world.happened(1, terminating).unwrap().since(left), seconds(30));
    let killed = world.happened(1, |it| matches!(it, Happening::Killed)).unwrap();
    assert_eq!(killed.since(left), seconds(35));
    assert!(world.stopped);
}

#[test]
fn a_runner_in_setup_is_told_to_stop_at_once_s41c() {
    let mut world = World::new(settings(1), |_| Script { setup: Some(seconds(300)), ..GOOD });
    world.run_to(seconds(10));
    world.tell(Input::Stop);
    assert_eq!(world.happened(1, terminating), Some(world.now));
    world.run_to(seconds(11));
    assert!(world.stopped);
}

#[test]
fn what_has_no_process_vanishes_without_a_record_s37c_s41a() {
    let mut held = World::new(settings(1), |_| Script { setup: None, exits: Some(millis(10)), ..GOOD });
    held.run_to(millis(100));
    assert_eq!(held.fleet.runners().next().unwrap().state(0), RunnerState::CrashBackoff);
    let records = held.records().len();
    held.tell(Input::Stop);
    assert!(held.stopped);
    assert_eq!(held.records().len(), records);
}

#[test]
fn a_process_whose_start_was_under_way_ends_with_the_host_s41f() {
    for order in [Input::Stop, Input::Kill] {
        let mut world = World::new(settings(1), |_| GOOD);
        world.tell(order);
        assert!(!world.stopped, "its process may run already");
        world.run_to(seconds(10));
        assert!(world.stopped && world.processes.is_empty());
        assert_eq!(world.reasons(), [Reason::Stopped]);
    }
}

#[test]
fn a_second_signal_kills_every_group_s41e() {
    let endless = Script { drains_in: None, stops_in: None, ..GOOD };
    let mut world = World::new(settings(3), move |_| endless);
    world.run_to(seconds(20));
    world.tell(Input::Stop);
    world.tell(Input::Kill);
    world.tell(Input::Kill);
    assert_eq!(world.killed.len(), 3);
    world.run_to(seconds(20) + millis(1));
    assert!(world.stopped);
}

#[test]
fn no_check_is_made_while_a_host_stops_s11_s41a() {
    let mut world = World::new(settings(1), |_| Script { drains_in: None, ..GOOD });
    world.run_to(seconds(20));
    world.tell(Input::Stop);
    let before = world.events.iter().filter(|(_, _, it)| matches!(it, Happening::Checked(_))).count();
    // The world asserts that nobody is checked outside the rotation.
    world.run_to(seconds(100));
    let after = world.events.iter().filter(|(_, _, it)| matches!(it, Happening::Checked(_))).count();
    assert_eq!(before, after);
}

#[test]
fn the_first_reason_wins_but_an_exit_before_sigterm_is_an_exit_s36b() {
    let mut world = World::new(settings(2), |_| Script { drains_in: None, stops_in: None, ..GOOD });
    world.run_to(seconds(20));
    world.tell(Input::Stop);
    let ids: Vec<_> = world.fleet.runners().map(super::super::Runner::id).collect();
    world.tell(Input::Exited { id: ids[0], exit: Exit::Status(0) });
    world.run_to(seconds(51));
    world.tell(Input::Exited { id: ids[1], exit: Exit::Signal(11) });
    assert_eq!(world.reasons(), [Reason::Exited, Reason::Stopped]);
}

#[test]
fn an_exit_in_the_grace_period_keeps_the_reason_of_the_order_s36b() {
    let sick = Script { sick_from: Some(Time::ZERO), ..GOOD };
    let settings = FleetSettings { check_interval: seconds(1), ..settings(1) };
    let mut world = World::new(settings, move |id| if id.get() == 1 { sick } else { GOOD });
    world.run_to(seconds(6));
    assert_eq!(world.reasons(), [Reason::Unhealthy]);
    assert_eq!(world.records()[0].exit, Some(Exit::Status(0)));
}

#[test]
fn what_survives_sigkill_is_reported_and_blocks_nobody() {
    let undying = Script { drains_in: None, stops_in: None, dies: false, ..GOOD };
    let mut world = World::new(settings(1), move |_| undying);
    world.run_to(seconds(20));
    world.tell(Input::Stop);
    world.tell(Input::Kill);
    world.run_to(seconds(25));
    assert!(world.happened(1, |it| matches!(it, Happening::Abandoned)).is_some());
    assert!(world.stopped);
    assert_eq!(world.records()[0].exit, None);
}

#[test]
fn an_exclusive_successor_does_not_wait_for_what_survives_sigkill() {
    let undying = Script { sick_from: Some(Time::ZERO), stops_in: None, dies: false, ..GOOD };
    let settings = FleetSettings { replacement: crate::Replacement::Exclusive, ..settings(1) };
    let mut world = World::new(settings, move |id| if id.get() == 1 { undying } else { GOOD });
    world.run_to(seconds(120));
    assert_eq!(world.routed.len(), 1);
    assert_eq!(world.records().len(), 1);
}
