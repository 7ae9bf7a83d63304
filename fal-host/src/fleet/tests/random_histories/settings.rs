//! Random settings of a fleet. Each setting that changes a decision varies.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use fal_health::HealthCheck;

use super::super::chance::Chance;
use super::super::simulation::{at_most, millis, seconds};
use crate::fleet::{
    Admission, FleetSettings, GiveUp, MaxReplacing, OnStall, ReplacementStrategy, RunnerLimits,
};

/// A memory limit, in bytes.
pub(super) const MEMORY_LIMIT: u64 = 500;

const AFTER_THREE: GiveUp = GiveUp::After(NonZeroU32::new(3).unwrap());

pub(super) fn random(chance: &mut Chance) -> FleetSettings {
    let runners = NonZeroUsize::new(1 + chance.below(4)).unwrap();
    let health = HealthCheck::new()
        .start_period_seconds(chance.of(&[0, 20]))
        .failure_threshold(chance.of(&[1, 2, 3]))
        .call_regularly(!chance.one_in(4));
    FleetSettings {
        health: (!chance.one_in(8)).then_some(health),
        startup_timeout: chance.of(&[None, Some(seconds(10))]),
        grace_period: chance.of(&[seconds(1), seconds(5)]),
        drain_timeout: chance.of(&[seconds(2), seconds(30)]),
        check_interval: chance.of(&[seconds(1), seconds(5), seconds(15)]),
        admission: chance.of(&[Admission::FirstPass, Admission::Ready]),
        start_check_interval: chance.of(&[millis(200), seconds(1)]),
        confirm_interval: chance.of(&[None, Some(millis(200)), Some(seconds(2))]),
        replacement_strategy: chance.of(&[ReplacementStrategy::StartFirst, ReplacementStrategy::StopFirst]),
        min_healthy: chance.of(&[Duration::ZERO, seconds(3)]),
        max_replacing: chance.of(&[MaxReplacing::Unbounded, at_most(1), at_most(2), MaxReplacing::Third]),
        spares: chance.of(&[0, 0, 1, 2]),
        limits: RunnerLimits {
            memory: chance.of(&[None, NonZeroU64::new(MEMORY_LIMIT)]),
            age: chance.of(&[None, None, Some(seconds(40))]),
            requests: chance.of(&[None, NonZeroU64::new(100)]),
        },
        on_stall: chance.of(&[OnStall::Fail, OnStall::Note]),
        give_up: chance.of(&[GiveUp::Never, GiveUp::Never, GiveUp::UntilFirstAdmission, AFTER_THREE]),
        seed: chance.below(1_000).try_into().unwrap(),
        ..FleetSettings::new(runners)
    }
}
