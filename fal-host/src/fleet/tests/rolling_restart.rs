use fal_health::Time;

use super::world::{GOOD, Script, World, millis, seconds, settings};
use crate::fleet::{FleetSettings, Happening, Input, Reason, Replacement};

fn ready(it: &Happening) -> bool {
    matches!(it, Happening::Ready { .. })
}

fn draining(it: &Happening) -> bool {
    matches!(it, Happening::Draining { .. })
}

fn given_up(world: &World) -> bool {
    world.events.iter().any(|(_, _, it)| matches!(it, Happening::RestartGivenUp))
}

#[test]
fn every_runner_is_replaced_one_after_another_and_none_is_missing_meanwhile_s33d() {
    let mut world = World::new(settings(3), |_| GOOD);
    world.run_to(seconds(40));
    world.tell(Input::Restart);
    for tenth in 0..200 {
        world.run_to(seconds(40) + millis(tenth * 100));
        assert!(world.routed.len() >= 3, "{} take requests", world.routed.len());
        assert!(world.processes.len() <= 4, "one at a time");
    }
    assert_eq!(world.reasons(), [Reason::Restarted; 3]);
    assert_eq!(world.fleet.runners().map(|runner| runner.id().get()).collect::<Vec<_>>(), [4, 5, 6]);
    for (old, new) in [(1, 4), (2, 5), (3, 6)] {
        assert_eq!(
            world.happened(old, draining),
            world.happened(new, ready),
            "drained when its successor is ready"
        );
    }
}

#[test]
fn a_successor_that_fails_to_start_stops_the_roll_and_keeps_the_old_ones_s35c() {
    let fails = Script { setup: None, exits: Some(millis(100)), ..GOOD };
    let mut world = World::new(settings(3), move |id| if id.get() == 5 { fails } else { GOOD });
    world.run_to(seconds(40));
    world.tell(Input::Restart);
    world.run_to(seconds(100));
    assert!(given_up(&world));
    assert_eq!(world.reasons(), [Reason::Restarted, Reason::SetupFailed]);
    assert_eq!(world.fleet.runners().map(|runner| runner.id().get()).collect::<Vec<_>>(), [2, 3, 4]);
}

#[test]
fn an_exclusive_restart_ends_the_old_one_first_s35b() {
    let settings = FleetSettings { replacement: Replacement::Exclusive, ..settings(2) };
    let mut world = World::new(settings, |_| GOOD);
    world.run_to(seconds(40));
    world.tell(Input::Restart);
    for tenth in 0..100 {
        world.run_to(seconds(40) + millis(tenth * 100));
        assert!(world.processes.len() <= 2);
        assert!(!world.routed.is_empty());
    }
    assert_eq!(world.reasons(), [Reason::Restarted; 2]);
    assert_eq!(world.routed.len(), 2);
}

#[test]
fn a_runner_that_exits_while_its_successor_starts_is_replaced_by_that() {
    let exits = Script { exits: Some(seconds(40) + millis(200)), ..GOOD };
    let mut world = World::new(settings(1), move |id| if id.get() == 1 { exits } else { GOOD });
    world.run_to(seconds(40));
    world.tell(Input::Restart);
    world.run_to(seconds(60));
    assert_eq!(world.reasons(), [Reason::Exited]);
    assert_eq!(world.fleet.runners().map(|runner| runner.id().get()).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_runner_found_unhealthy_while_its_successor_starts_is_replaced_by_that() {
    let sick = Script { sick_from: Some(Time::ZERO), ..GOOD };
    let slow = Script { setup: Some(seconds(100)), ..GOOD };
    let mut world = World::new(settings(1), move |id| if id.get() == 1 { sick } else { slow });
    world.run_to(seconds(20));
    world.tell(Input::Restart);
    world.run_to(seconds(150));
    assert_eq!(world.reasons(), [Reason::Unhealthy]);
    assert_eq!(world.fleet.runners().map(|runner| runner.id().get()).collect::<Vec<_>>(), [2]);
}

#[test]
fn asked_again_meanwhile_the_new_ones_are_replaced_too() {
    let mut world = World::new(settings(2), |_| GOOD);
    world.run_to(seconds(40));
    world.tell(Input::Restart);
    world.run_to(seconds(41));
    world.tell(Input::Restart);
    world.run_to(seconds(60));
    assert!(world.reasons().iter().all(|reason| *reason == Reason::Restarted));
    assert!(world.fleet.runners().all(|runner| runner.started() > super::world::at(seconds(41))));
    assert_eq!(world.routed.len(), 2);
}

#[test]
fn asked_again_after_another_start_failed_the_successor_on_its_way_is_the_only_one() {
    let slow = Script { setup: Some(millis(2_200)), ..GOOD };
    let exits = Script { exits: Some(seconds(41)), ..GOOD };
    let fails = Script { setup: None, exits: Some(millis(100)), ..GOOD };
    let mut world = World::new(settings(2), move |id| match id.get() {
        2 => exits,
        3 => slow,
        4 => fails,
        _ => GOOD,
    });
    world.run_to(seconds(40));
    world.tell(Input::Restart);
    world.run_to(seconds(42));
    assert!(given_up(&world), "4 took the place of 2, and failed");
    world.tell(Input::Restart);
    world.run_to(seconds(100));
    assert_eq!(world.routed.len(), 2, "{:?} take requests", world.routed);
    assert!(world.fleet.runners().all(|runner| runner.started() >= super::world::at(seconds(42))));
}

#[test]
fn a_stop_ends_a_roll_s41a() {
    let mut world = World::new(settings(3), |_| GOOD);
    world.run_to(seconds(40));
    world.tell(Input::Restart);
    world.run_to(seconds(40) + millis(200));
    world.tell(Input::Stop);
    world.run_to(seconds(60));
    assert!(world.stopped && world.processes.is_empty());
    assert_eq!(world.records().len(), 4);
}
