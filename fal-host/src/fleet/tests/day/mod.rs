//! A day of a fleet in which everything goes wrong, in seconds: every rule is switched on, and every kind of fault occurs.

mod life;
mod observer;
mod world;

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use fal_health::HealthCheck;

use self::observer::Tally;
use self::world::{Happening, World};
use super::chance::Chance;
use super::simulation::{at, at_most, seconds};
use crate::fleet::{FleetEvent, FleetSettings, GiveUp, Reason, RunnerLimits, Scale};

const HOUR: Duration = seconds(3600);

fn settings(runners: usize, day: Duration, seed: u64) -> FleetSettings {
    FleetSettings {
        health: Some(HealthCheck::new()),
        startup_timeout: Some(seconds(60)),
        confirm_interval: Some(seconds(2)),
        min_healthy: seconds(5),
        spares: runners.div_ceil(50),
        max_replacing: at_most(runners.div_ceil(20)),
        limits: RunnerLimits {
            memory: NonZeroU64::new(1_000),
            age: Some(day / 2),
            requests: NonZeroU64::new(10_000),
        },
        give_up: GiveUp::After(NonZeroU32::new(8).unwrap()),
        seed,
        ..FleetSettings::new(NonZeroUsize::new(runners).unwrap())
    }
}

/// To how many runners a fleet is scaled down meanwhile.
fn fewer_than(runners: usize) -> usize {
    runners - runners / 10
}

/// A day of so many runners. Then nothing goes wrong any more, the fleet has to become whole, and the host stops.
fn live_through(runners: usize, day: Duration, seed: u64) -> Tally {
    let mut world = World::new(seed, settings(runners, day, seed), day);
    let mut chance = Chance::of_step(seed, 0);
    let mut random = |most: usize| seconds(chance.below(most).try_into().unwrap());
    for share in [3, 5, 6] {
        let start = day * share / 10;
        world.plan(start, Happening::Outage(at(start + seconds(120) + random(600))));
    }
    for share in 1..20 {
        world.plan(day * share / 20, Happening::Suspend(seconds(1) + random(30)));
    }
    for share in [1, 4, 7] {
        world.plan(day * share / 10 + seconds(5), Happening::Fleet(FleetEvent::Restart));
    }
    let fewer = Scale::To(NonZeroUsize::new(fewer_than(runners)).unwrap());
    world.plan(day * 2 / 10, Happening::Fleet(FleetEvent::Scale(fewer)));
    let all = Scale::To(NonZeroUsize::new(runners).unwrap());
    world.plan(day * 8 / 10, Happening::Fleet(FleetEvent::Scale(all)));
    world.plan(day * 7 / 10, Happening::BadRelease(at(day * 7 / 10 + seconds(300))));
    world.run_to(at(day));
    let mut tally = world.observer.tally.clone();
    tally.events = world.handled;
    world.plan(Duration::ZERO, Happening::Heal);
    world.run_to(at(day + HOUR));
    assert_eq!(world.observer.serving(), runners, "every replica has a runner in the rotation");
    world.handle(FleetEvent::Stop);
    world.run_to(at(day + HOUR + seconds(120)));
    assert!(world.stopped && world.living.is_empty(), "the host stops, and leaves no runner");
    tally
}

/// Asserts that each kind of fault has had its effect, and that clients have noticed little.
fn judge(tally: &Tally, runners: usize) {
    println!("{tally:#?}");
    let reasons = [
        Reason::Unhealthy,
        Reason::ManualCheckFailed,
        Reason::Requested,
        Reason::Exited,
        Reason::Unreachable,
        Reason::SetupFailed,
        Reason::StartupTimeout,
        Reason::Memory,
        Reason::Age,
        Reason::Requests,
        Reason::Restarted,
        Reason::ScaledDown,
    ];
    for reason in reasons {
        assert!(tally.ends.contains_key(reason.name()), "no runner ended as {reason}");
    }
    assert!(tally.deferrals > 0 && tally.backoffs > 0 && tally.kills > 0 && tally.outlived > 0);
    assert!(tally.restarts_aborted > 0 && tally.promotions > 0);
    assert!(
        tally.fewest_serving * 10 >= fewer_than(runners) * 8,
        "{} of {runners} served",
        tally.fewest_serving
    );
}

#[test]
fn a_fleet_lives_through_hours_in_which_everything_goes_wrong() {
    let tally = live_through(100, HOUR * 2, 1);
    judge(&tally, 100);
    // A rolling restart of so few runners ends before one of its successors fails.
    let tally = live_through(10, HOUR * 6, 2);
    assert!(tally.restarts_completed > 0, "{tally:#?}");
}

#[test]
#[ignore = "a command of its own, best with --release"]
fn a_day_of_a_thousand_runners() {
    let seed = std::env::var("FAL_SEED").map_or(1, |seed| seed.parse().unwrap());
    let tally = live_through(1_000, HOUR * 24, seed);
    judge(&tally, 1_000);
}
