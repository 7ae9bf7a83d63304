//! How runners end: drains, stops, kills, and the reasons in their records.

use fal_health::{HealthCheck, Time};

use super::simulation::{GOOD, Script, Simulation, at, millis, seconds, settings};
use crate::fleet::{
    EventKind, Exit, FleetEvent, FleetSettings, Reason, ReplacementStrategy, RunnerState, StepKind,
};

fn draining(it: &EventKind) -> bool {
    matches!(it, EventKind::Draining { .. })
}

fn terminating(it: &EventKind) -> bool {
    matches!(it, EventKind::Terminating { .. })
}

#[test]
fn a_host_that_stops_drains_its_runners_then_terminates_them_and_starts_none_s33d_s41a() {
    let mut simulation = Simulation::new(settings(2), |_| GOOD);
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Stop);
    assert!(simulation.routed.is_empty(), "they leave the rotation at once");
    simulation.run_to(seconds(60));
    for id in 1..=2 {
        let (left, told) =
            (simulation.happened(id, draining).unwrap(), simulation.happened(id, terminating).unwrap());
        assert_eq!(told.since(left), millis(100), "SIGTERM follows the last request");
    }
    assert!(simulation.stopped);
    assert_eq!(simulation.reasons(), [Reason::Stopped; 2]);
    assert_eq!(simulation.starts().len(), 2);
}

#[test]
fn endless_requests_delay_a_stop_by_the_drain_timeout_and_the_grace_period_s33d_s41d() {
    let endless = Script { drains_in: None, stops_in: None, ..GOOD };
    let mut simulation = Simulation::new(settings(1), move |_| endless);
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Stop);
    simulation.run_to(seconds(100));
    let left = simulation.happened(1, draining).unwrap();
    assert_eq!(simulation.happened(1, terminating).unwrap().since(left), seconds(30));
    let killed = simulation.happened(1, |it| matches!(it, EventKind::Killed)).unwrap();
    assert_eq!(killed.since(left), seconds(35));
    assert!(simulation.stopped);
}

#[test]
fn a_runner_in_setup_gets_sigterm_at_once_s41c() {
    let mut simulation = Simulation::new(settings(1), |_| Script { setup: Some(seconds(300)), ..GOOD });
    simulation.run_to(seconds(10));
    simulation.handle(FleetEvent::Stop);
    assert_eq!(simulation.happened(1, terminating), Some(simulation.now));
    simulation.run_to(seconds(11));
    assert!(simulation.stopped);
}

#[test]
fn a_runner_without_a_process_leaves_no_record_when_the_host_stops_s37c_s41a() {
    let mut held = Simulation::new(settings(1), |_| Script { setup: None, exits: Some(millis(10)), ..GOOD });
    held.run_to(millis(100));
    assert_eq!(held.fleet.runners().next().unwrap().state(), RunnerState::CrashBackoff);
    let records = held.records().len();
    held.handle(FleetEvent::Stop);
    assert!(held.stopped);
    assert_eq!(held.records().len(), records);
}

#[test]
fn a_process_that_is_starting_ends_with_the_host_s41f() {
    for order in [FleetEvent::Stop, FleetEvent::Kill] {
        let mut simulation = Simulation::new(settings(1), |_| GOOD);
        simulation.handle(order);
        assert!(!simulation.stopped, "its process may run already");
        simulation.run_to(seconds(10));
        assert!(simulation.stopped && simulation.processes.is_empty());
        assert_eq!(simulation.reasons(), [Reason::Stopped]);
    }
}

#[test]
fn a_second_signal_kills_every_group_s41e() {
    let endless = Script { drains_in: None, stops_in: None, ..GOOD };
    let mut simulation = Simulation::new(settings(3), move |_| endless);
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Stop);
    simulation.handle(FleetEvent::Kill);
    simulation.handle(FleetEvent::Kill);
    assert_eq!(simulation.killed.len(), 3);
    simulation.run_to(seconds(20) + millis(1));
    assert!(simulation.stopped);
}

#[test]
fn no_check_is_made_while_a_host_stops_s11_s41a() {
    let mut simulation = Simulation::new(settings(1), |_| Script { drains_in: None, ..GOOD });
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Stop);
    let before = simulation.events.iter().filter(|(_, _, it)| matches!(it, EventKind::Checked(_))).count();
    // The simulation asserts that only runners in rotation are checked.
    simulation.run_to(seconds(100));
    let after = simulation.events.iter().filter(|(_, _, it)| matches!(it, EventKind::Checked(_))).count();
    assert_eq!(before, after);
}

#[test]
fn the_first_reason_wins_but_an_exit_before_sigterm_is_an_exit_s36b() {
    let mut simulation = Simulation::new(settings(2), |_| Script { drains_in: None, stops_in: None, ..GOOD });
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Stop);
    let ids: Vec<_> = simulation.fleet.runners().map(super::super::Runner::id).collect();
    simulation.handle(FleetEvent::Exited { id: ids[0], exit: Exit::Status(0) });
    simulation.run_to(seconds(51));
    simulation.handle(FleetEvent::Exited { id: ids[1], exit: Exit::Signal(11) });
    assert_eq!(simulation.reasons(), [Reason::Exited, Reason::Stopped]);
}

#[test]
fn an_exit_in_the_grace_period_keeps_the_reason_of_the_termination_s36b() {
    let sick = Script { sick_from: Some(Time::ZERO), ..GOOD };
    let settings = FleetSettings { check_interval: seconds(1), ..settings(1) };
    let mut simulation = Simulation::new(settings, move |id| if id.get() == 1 { sick } else { GOOD });
    simulation.run_to(seconds(6));
    assert_eq!(simulation.reasons(), [Reason::Unhealthy]);
    assert_eq!(simulation.records()[0].exit, Some(Exit::Status(0)));
}

#[test]
fn a_process_that_survives_sigkill_is_reported_and_abandoned() {
    let undying = Script { drains_in: None, stops_in: None, dies: false, ..GOOD };
    let mut simulation = Simulation::new(settings(1), move |_| undying);
    simulation.run_to(seconds(20));
    simulation.handle(FleetEvent::Stop);
    simulation.handle(FleetEvent::Kill);
    simulation.run_to(seconds(25));
    assert!(simulation.happened(1, |it| matches!(it, EventKind::Abandoned)).is_some());
    assert!(simulation.stopped);
    assert_eq!(simulation.records()[0].exit, None);
}

#[test]
fn a_runner_that_asks_for_its_stop_drains_while_its_successor_starts_s58b_s58d() {
    let mut simulation = Simulation::new(settings(1), |_| GOOD);
    simulation.run_to(seconds(20));
    let id = simulation.fleet.runners().next().unwrap().id();
    for _ in 0..2 {
        simulation.handle(FleetEvent::StopRequested { id });
    }
    let asked = simulation.now;
    simulation.run_to(seconds(30));
    assert_eq!(simulation.happened(1, draining), Some(asked));
    assert_eq!(simulation.happened(2, |it| matches!(it, EventKind::Started { .. })), Some(asked));
    assert_eq!(simulation.happened(1, terminating).unwrap().since(asked), millis(100));
    assert_eq!(simulation.reasons(), [Reason::Requested]);
    assert_eq!(simulation.starts().len(), 2);
    simulation.handle(FleetEvent::StopRequested { id });
    assert_eq!(simulation.routed.len(), 1, "one that has ended changes nothing");
}

#[test]
fn runners_that_ask_before_they_are_stable_are_started_ever_more_slowly_s35c_s58c() {
    let health = HealthCheck::new().call_regularly(false);
    let mut simulation = Simulation::new(FleetSettings { health: Some(health), ..settings(1) }, |_| GOOD);
    for starts in 1..=3 {
        while simulation.routed.is_empty() {
            simulation.run_to(simulation.now.since(Time::ZERO) + millis(100));
        }
        assert_eq!(simulation.starts().len(), starts);
        let id = *simulation.routed.first().unwrap();
        simulation.handle(FleetEvent::StopRequested { id });
    }
    let waits: Vec<_> = simulation
        .events
        .iter()
        .filter_map(|(.., kind)| match kind {
            EventKind::BackoffStarted { failed_starts, .. } => Some(*failed_starts),
            _ => None,
        })
        .collect();
    assert_eq!(waits, [2, 3], "the end of one that drains is no further failed start");
}

#[test]
fn an_exclusive_successor_waits_for_a_process_that_survives_sigkill_however_long_s60b() {
    let undying = Script { sick_from: Some(Time::ZERO), stops_in: None, dies: false, ..GOOD };
    let settings = || FleetSettings { replacement_strategy: ReplacementStrategy::StopFirst, ..settings(1) };
    let scripts = move |id: crate::RunnerId| if id.get() == 1 { undying } else { GOOD };
    let mut simulation = Simulation::new(settings(), scripts);
    simulation.run_to(seconds(3_600));
    assert!(simulation.happened(1, |it| matches!(it, EventKind::KillOutlived)).is_some());
    assert_eq!((simulation.starts().len(), simulation.records().len()), (1, 0));
    let id = simulation.fleet.runners().next().unwrap().id();
    simulation.handle(FleetEvent::Exited { id, exit: Exit::Signal(9) });
    simulation.run_to(seconds(3_700));
    assert_eq!((simulation.starts().len(), simulation.routed.len()), (2, 1));
    assert_eq!(simulation.records()[0].exit, Some(Exit::Signal(9)));

    // A host that stops waits no longer.
    for order in [FleetEvent::Stop, FleetEvent::Kill] {
        let mut simulation = Simulation::new(settings(), scripts);
        simulation.run_to(seconds(3_600));
        simulation.handle(order);
        assert!(simulation.stopped);
        let record = simulation.records().pop().unwrap();
        assert_eq!(record.exit, None);
        assert_eq!(record.detail.as_deref(), Some("its process has survived SIGKILL and may still run"));
    }
}

#[test]
fn states_and_exits_are_written_as_logs_and_the_admin_interface_show_them_s37a() {
    let states = [
        RunnerState::Pending,
        RunnerState::Setup,
        RunnerState::Idle,
        RunnerState::Running,
        RunnerState::Draining,
        RunnerState::Terminating,
        RunnerState::Terminated,
        RunnerState::CrashBackoff,
    ];
    let names =
        ["PENDING", "SETUP", "IDLE", "RUNNING", "DRAINING", "TERMINATING", "TERMINATED", "CRASH_BACKOFF"];
    assert_eq!(states.map(RunnerState::name), names);
    let exits = [Exit::Status(3), Exit::Signal(9), Exit::Unknown];
    assert_eq!(exits.map(|exit| exit.to_string()), ["status 3", "signal 9 (SIGKILL)", "unknown"]);
}

#[test]
fn only_an_end_without_a_fault_of_the_runner_is_planned_s35c() {
    let planned = [
        Reason::Memory,
        Reason::Age,
        Reason::Requests,
        Reason::Operator,
        Reason::Restarted,
        Reason::RestartAborted,
        Reason::ScaledDown,
        Reason::Stopped,
    ];
    let faults = [
        Reason::Unhealthy,
        Reason::ManualCheckFailed,
        Reason::Exited,
        Reason::Requested,
        Reason::Unreachable,
        Reason::SetupFailed,
        Reason::StartupTimeout,
    ];
    assert!(planned.iter().all(|reason| reason.is_planned()));
    assert!(!faults.iter().any(|reason| reason.is_planned()));
}

#[test]
fn a_record_has_the_steps_of_its_runner_each_once_s85() {
    let mut simulation =
        Simulation::new(settings(1), |_| Script { sick_from: Some(at(seconds(20))), ..GOOD });
    simulation.run_to(seconds(120));
    let kinds: Vec<_> = simulation.records()[0].steps.iter().map(|step| step.kind).collect();
    let expected = [
        StepKind::Pending,
        StepKind::Setup,
        StepKind::AwaitingFirstPass,
        StepKind::InRotation,
        StepKind::Terminating,
    ];
    assert_eq!(kinds, expected);
}
