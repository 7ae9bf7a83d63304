//! How runners start: success, failure and backoff (S35).

use std::num::NonZeroUsize;

use fal_health::{HealthCheck, Time};

use super::simulation::{GOOD, Script, Simulation, at, millis, seconds, settings};
use crate::RunnerId;
use crate::fleet::{Admission, EventKind, Exit, FleetEvent, FleetSettings, Reason, Runner, RunnerState};

const FAILS: Script = Script { setup: None, exits: Some(millis(100)), ..GOOD };

/// How long after a failed start the next one began.
fn waits(simulation: &Simulation, lived: std::time::Duration) -> Vec<f64> {
    simulation.starts().windows(2).map(|pair| pair[1].since(pair[0] + lived).as_secs_f64()).collect()
}

fn states(simulation: &Simulation) -> Vec<RunnerState> {
    simulation.fleet.runners().map(Runner::state).collect()
}

#[test]
fn all_runners_start_and_take_requests_when_ready_s37b_s37d() {
    let mut simulation = Simulation::new(settings(3), |_| GOOD);
    assert_eq!(states(&simulation), [RunnerState::Pending; 3]);
    simulation.run_to(millis(501));
    assert_eq!(states(&simulation), [RunnerState::Setup; 3]);
    assert!(simulation.routed.is_empty());
    simulation.run_to(millis(502));
    assert_eq!(states(&simulation), [RunnerState::Idle; 3]);
    assert_eq!(simulation.routed.len(), 3);
    assert_eq!(simulation.fleet.runners().next().unwrap().state().with_requests(1), RunnerState::Running);
}

#[test]
fn the_effective_start_period_is_published_when_a_runner_starts_s8() {
    let settings = FleetSettings {
        health: Some(HealthCheck::new()),
        startup_timeout: Some(seconds(120)),
        ..settings(1)
    };
    let mut simulation = Simulation::new(settings, |_| GOOD);
    simulation.run_to(seconds(1));
    let said = |it: &EventKind| matches!(it, EventKind::Started { effective_start_period: Some(period), .. } if *period == seconds(120));
    assert!(simulation.happened(1, said).is_some());
}

#[test]
fn the_second_start_follows_at_once_and_later_starts_wait_longer_and_longer_s35d() {
    let mut simulation = Simulation::new(settings(1), |_| FAILS);
    simulation.run_to(seconds(400));
    let waits = waits(&simulation, millis(100));
    assert!(waits[0] < 0.001, "after the first failed start the next begins at once");
    for (wait, nominal) in waits[1..].iter().zip([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]) {
        assert!((0.8..=1.2).contains(&(wait / nominal)), "{wait} s where about {nominal} s is due");
    }
    assert!(simulation.reasons().iter().all(|reason| *reason == Reason::SetupFailed));
    assert_eq!(states(&simulation), [RunnerState::CrashBackoff]);
}

#[test]
fn every_kind_of_failed_start_counts_s35c_s35f() {
    let eager = || settings(1);
    let no_checks = || FleetSettings { health: None, ..settings(1) };
    let kinds: [(&str, Script, FleetSettings, Reason); 7] = [
        ("ends before readiness", FAILS, eager(), Reason::SetupFailed),
        ("cannot be started", Script { starts: false, ..GOOD }, eager(), Reason::SetupFailed),
        (
            "is not ready in time",
            Script { setup: None, ..GOOD },
            FleetSettings { startup_timeout: Some(seconds(1)), ..eager() },
            Reason::StartupTimeout,
        ),
        ("is not ready in 600 s", Script { setup: None, ..GOOD }, eager(), Reason::StartupTimeout),
        ("exits before its first pass", Script { exits: Some(millis(501)), ..GOOD }, eager(), Reason::Exited),
        (
            "is found unhealthy before its first pass",
            Script { sick_from: Some(Time::ZERO), ..GOOD },
            eager(),
            Reason::Unhealthy,
        ),
        (
            "exits in its first minute, in an app without checks",
            Script { exits: Some(seconds(60)), ..GOOD },
            no_checks(),
            Reason::Exited,
        ),
    ];
    for (kind, script, settings, reason) in kinds {
        let mut simulation = Simulation::new(settings, move |_| script);
        let mut end = seconds(0);
        while !simulation.events.iter().any(|(_, _, it)| matches!(it, EventKind::BackoffStarted { .. })) {
            end += millis(100);
            assert!(end < seconds(2_000), "{kind}: starts are held after two of them");
            simulation.run_to(end);
        }
        let tried = if script.starts { simulation.starts().len() } else { simulation.records().len() };
        assert_eq!(tried, 2, "{kind}");
        simulation.run_to(end + seconds(1));
        assert!(simulation.reasons().iter().all(|it| *it == reason), "{kind}: {:?}", simulation.reasons());
    }
}

#[test]
fn a_stable_runner_that_exits_is_replaced_at_once_however_often_s34_s35e() {
    let checked = (settings(1), Script { exits: Some(seconds(40)), ..GOOD }, 40);
    let unchecked =
        (FleetSettings { health: None, ..settings(1) }, Script { exits: Some(millis(60_600)), ..GOOD }, 61);
    for (settings, script, lives) in [checked, unchecked] {
        let mut simulation = Simulation::new(settings, move |_| script);
        simulation.run_to(seconds(lives * 20));
        assert!(simulation.starts().len() >= 20);
        assert!(waits(&simulation, script.exits.unwrap()).iter().all(|wait| *wait < 0.001));
        assert!(simulation.reasons().iter().all(|reason| *reason == Reason::Exited));
    }
}

#[test]
fn healthy_replicas_do_not_reset_the_backoff_of_a_failing_one_s35e() {
    for replicas in [1, 2, 100] {
        // The first replica never starts; each further runner is its replacement.
        let mut simulation = Simulation::new(settings(replicas), move |id| {
            if (2..=replicas).contains(&usize::try_from(id.get()).unwrap()) { GOOD } else { FAILS }
        });
        simulation.run_to(seconds(3_600));
        let starts = simulation.starts().len() - (replicas - 1);
        assert!((60..=80).contains(&starts), "{starts} starts in an hour beside {} others", replicas - 1);
    }
}

#[test]
fn the_backoff_of_a_failing_replica_delays_no_other_s34_s35e() {
    let exits = Script { exits: Some(seconds(100)), ..GOOD };
    let mut simulation = Simulation::new(settings(2), move |id| match id.get() {
        1 => exits,
        _ => FAILS,
    });
    simulation.run_to(seconds(99));
    assert!(states(&simulation).contains(&RunnerState::CrashBackoff), "{:?}", states(&simulation));
    simulation.run_to(seconds(101));
    assert!(simulation.starts().contains(&at(seconds(100))), "the runner that exited is replaced at once");
}

#[test]
fn a_first_pass_releases_the_waiting_start_of_its_replica_s35e() {
    // The first tick of runner 1 falls at 2.29 s, while its successor is held after two that failed.
    let settings =
        FleetSettings { admission: Admission::Ready, check_interval: millis(3_700), ..settings(1) };
    let mut simulation = Simulation::new(settings, |id| match id.get() {
        2 | 3 => FAILS,
        _ => GOOD,
    });
    for restart in [1_000, 2_000, 2_200] {
        simulation.run_to(millis(restart));
        simulation.handle(FleetEvent::Restart);
    }
    assert_eq!(states(&simulation), [RunnerState::Idle, RunnerState::CrashBackoff]);
    simulation.run_to(seconds(3));
    let pass = simulation.happened(1, |it| matches!(it, EventKind::Checked(_)));
    assert!(pass.is_some_and(|pass| pass < at(millis(2_300))));
    assert_eq!(simulation.happened(4, |it| matches!(it, EventKind::Started { .. })), pass);
}

#[test]
fn a_start_that_a_stop_ends_is_not_a_failed_start_s35c() {
    let mut simulation = Simulation::new(settings(1), |_| Script { setup: None, ..GOOD });
    simulation.run_to(seconds(1));
    simulation.handle(FleetEvent::Stop);
    simulation.run_to(seconds(2));
    assert_eq!(simulation.reasons(), [Reason::Stopped]);
    assert!(simulation.stopped);
}

#[test]
fn the_error_of_a_setup_is_in_the_record_s36a() {
    let mut simulation = Simulation::new(settings(1), |_| FAILS);
    simulation.run_to(millis(50));
    let id = simulation.fleet.runners().next().unwrap().id();
    simulation.handle(FleetEvent::SetupFailed { id, error: "no model".to_owned() });
    simulation.run_to(millis(100));
    assert_eq!(simulation.records()[0].detail.as_deref(), Some("no model"));
}

#[test]
fn what_keeps_a_runner_from_being_ready_is_in_its_record_unless_it_becomes_ready_s49c() {
    let slow = Script { setup: Some(seconds(8)), ..GOOD };
    let mut simulation =
        Simulation::new(
            settings(1),
            move |id| if id.get() == 1 { slow } else { Script { setup: None, ..GOOD } },
        );
    let elsewhere = |id| FleetEvent::NotReady { id: RunnerId::new(id), detail: "port 8000".to_owned() };
    simulation.run_to(seconds(5));
    simulation.handle(elsewhere(1));
    let detail = |simulation: &Simulation| {
        simulation.fleet.runners().next().and_then(|it| it.detail().map(str::to_owned))
    };
    assert_eq!(detail(&simulation).as_deref(), Some("port 8000"));
    simulation.run_to(seconds(20));
    simulation.handle(elsewhere(1));
    assert_eq!(detail(&simulation), None);
    simulation.handle(FleetEvent::Exited { id: RunnerId::new(1), exit: Exit::Status(1) });
    simulation.run_to(seconds(30));
    simulation.handle(elsewhere(2));
    simulation.run_to(seconds(700));
    let record = &simulation.records()[1];
    let detail = "port 8000; not ready within 600s (`startup_timeout`, `fal-host --startup-timeout`)";
    assert_eq!((record.reason, record.detail.as_deref()), (Reason::StartupTimeout, Some(detail)));
}

#[test]
fn late_events_of_a_removed_runner_change_nothing_s21a() {
    let mut simulation = Simulation::new(settings(1), |id| if id.get() == 1 { FAILS } else { GOOD });
    let first = simulation.fleet.runners().next().unwrap().id();
    simulation.run_to(seconds(1));
    let before = (simulation.events.len(), simulation.routed.clone());
    for event in [
        FleetEvent::Ready { id: first },
        FleetEvent::Launched { id: first, pid: None, started: Time::ZERO },
        FleetEvent::Drained { id: first },
        FleetEvent::Unreachable { id: first, refused: String::new() },
        FleetEvent::ManualRequested { id: first },
        FleetEvent::Exited { id: first, exit: crate::Exit::Unknown },
        FleetEvent::LaunchFailed { id: first, error: String::new() },
    ] {
        simulation.handle(event);
    }
    assert_eq!((simulation.events.len(), simulation.routed.clone()), before);
    assert_eq!(simulation.fleet.runners().count(), 1);
}

#[test]
fn checks_of_runners_started_together_are_spread_over_the_interval_s12b() {
    let runners = 30;
    let mut simulation = Simulation::new(
        FleetSettings { runners: NonZeroUsize::new(runners).unwrap(), ..settings(1) },
        |_| GOOD,
    );
    // Each passes its first check at 502 ms.
    simulation.run_to(millis(15_504));
    let checks: Vec<_> = simulation
        .events
        .iter()
        .filter(|(time, _, it)| *time > at(millis(502)) && matches!(it, EventKind::Checked(_)))
        .map(|(time, ..)| *time)
        .collect();
    assert_eq!(checks.len(), runners, "one each in the first interval");
    let even = seconds(15) / u32::try_from(runners).unwrap();
    assert!(checks.windows(2).all(|pair| pair[1].since(pair[0]) < even * 2));
}

#[test]
fn the_end_of_a_wait_is_published_and_a_process_that_cannot_start_has_not_lived_s36a_s37b() {
    let never = Script { starts: false, ..GOOD };
    let mut simulation = Simulation::new(settings(1), move |_| never);
    simulation.run_to(seconds(10));
    let waited = simulation.happened(3, |it| matches!(it, EventKind::BackoffStarted { .. })).unwrap();
    let ended = simulation.happened(3, |it| matches!(it, EventKind::BackoffEnded)).unwrap();
    assert!(ended.since(waited) >= millis(400));
    assert!(simulation.records().iter().all(|record| record.started == record.ended), "none has lived");
}

#[test]
fn a_runner_that_refuses_connections_has_a_moment_to_turn_out_to_have_exited_s36b_s39e() {
    for exits in [true, false] {
        let mut simulation = Simulation::new(settings(1), |_| GOOD);
        simulation.run_to(seconds(20));
        let id = simulation.fleet.runners().next().unwrap().id();
        simulation.handle(FleetEvent::Unreachable { id, refused: String::new() });
        simulation.run_to(seconds(20) + millis(49));
        assert!(simulation.records().is_empty());
        if exits {
            simulation.handle(FleetEvent::Exited { id, exit: Exit::Signal(11) });
        }
        simulation.run_to(seconds(22));
        let reason = if exits { Reason::Exited } else { Reason::Unreachable };
        assert_eq!(simulation.reasons(), [reason]);
    }
}
