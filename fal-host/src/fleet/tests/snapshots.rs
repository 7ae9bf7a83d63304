//! What snapshots show of runners (S36, S37, S40d, S53c, S54).

use std::time::Duration;

use fal_health::protocol::Progress;
use fal_health::{HealthCheck, Outcome};

use super::simulation::{GOOD, Script, Simulation, at, at_most, millis, seconds, settings};
use crate::fleet::{
    Finding, FleetCommand, FleetEvent, FleetSettings, Reason, ReplacementStrategy, RunnerState, StepKind,
};
use crate::id::RunnerId;
use crate::snapshot::RunnerInfo;

fn shown(simulation: &Simulation, id: u64) -> RunnerInfo {
    let observed = simulation.fleet.observe_runner(RunnerId::new(id)).expect("it has not ended");
    RunnerInfo::of(&observed, simulation.now, None)
}

#[test]
fn a_runner_in_setup_is_shown_with_its_process_progress_and_error_s37a_s85() {
    let mut simulation = Simulation::new(settings(1), |_| Script { setup: None, ..GOOD });
    simulation.run_to(seconds(1));
    let id = RunnerId::new(1);
    let progress = Progress::new(0.5, "loading");
    simulation.handle(FleetEvent::Progress { id, progress: progress.clone() });
    simulation.handle(FleetEvent::SetupFailed { id, error: "no model".to_owned() });
    let steps = simulation.fleet.observe_runner(id).unwrap().runner.steps().to_vec();
    assert_eq!(steps.iter().map(|step| step.kind).collect::<Vec<_>>(), [StepKind::Pending, StepKind::Setup]);
    let info = shown(&simulation, 1);
    assert_eq!((info.state, info.pid, info.reason), (RunnerState::Setup, Some(1), None));
    assert_eq!((info.progress, info.detail.as_deref()), (Some(progress), Some("no model")));
    assert!(!info.deferred && info.backoff.is_none() && info.memory.is_none());
}

#[test]
fn memory_and_requests_without_progress_are_shown_as_measured_last_s53c_s54a() {
    let health = HealthCheck::new().start_period_seconds(0).timeout_seconds(5);
    let settings = FleetSettings { health: Some(health), ..settings(1) };
    let (mut fleet, _) = crate::fleet::Fleet::start(at(seconds(0)), settings);
    let id = RunnerId::new(1);
    fleet.handle(at(seconds(0)), FleetEvent::Launched { id, pid: None, started: at(seconds(0)) });
    fleet.handle(at(seconds(1)), FleetEvent::MemoryMeasured { id, bytes: 500 });
    let mut commands = fleet.handle(at(seconds(1)), FleetEvent::Ready { id });
    let (busy, idle) = (seconds(7), millis(10));
    for (canary, oldest) in [(busy, Some(busy)), (idle, None)] {
        let check = commands.iter().find_map(|command| match command {
            FleetCommand::StartCheck(_, check) => Some(check.id),
            _ => None,
        });
        let finding =
            Finding { canary: Some(canary), oldest_request: oldest, ..Finding::from(Outcome::Pass) };
        let check = check.expect("a check starts");
        fleet.handle(at(seconds(2)), FleetEvent::CheckFinished { id, check, finding });
        let info = RunnerInfo::of(&fleet.observe().remove(0), at(seconds(2)), None);
        let health = info.health.expect("it has a health check");
        assert_eq!((info.memory, health.oldest_request), (Some(500), oldest));
        assert_eq!(health.stalled, (canary == busy).then_some(busy));
        let due = fleet.deadline().expect("a check is due");
        commands = fleet.handle(due, FleetEvent::Elapsed);
    }
}

#[test]
fn a_deferred_runner_and_one_that_ends_are_shown_so_s33a_s40d() {
    let sick = Script { sick_from: Some(at(seconds(20))), stops_in: None, ..GOOD };
    let slow = Script { setup: Some(seconds(100)), ..GOOD };
    let settings = FleetSettings { max_replacing: at_most(1), ..settings(2) };
    let mut simulation = Simulation::new(settings, move |id| if id.get() <= 2 { sick } else { slow });
    let mut seen = Vec::new();
    for second in 0..90 {
        simulation.run_to(seconds(second));
        seen.extend(simulation.fleet.observe().iter().map(|it| RunnerInfo::of(it, simulation.now, None)));
    }
    let is_deferred = |info: &RunnerInfo| info.state == RunnerState::Idle && info.deferred;
    assert!(seen.iter().any(|info| is_deferred(info) && info.reason.is_none()));
    assert!(seen.iter().any(|info| info.state == RunnerState::Idle && !info.deferred));
    let ends = |info: &RunnerInfo| info.state == RunnerState::Terminating;
    assert!(seen.iter().any(ends));
    assert!(seen.iter().filter(|info| ends(info)).all(|info| info.reason == Some(Reason::Unhealthy)));
}

#[test]
fn a_runner_that_waits_after_failed_starts_is_shown_with_the_rest_of_its_wait_s35d() {
    let fails = Script { setup: None, exits: Some(millis(100)), ..GOOD };
    let mut simulation = Simulation::new(settings(1), move |_| fails);
    simulation.run_to(millis(300));
    let info = shown(&simulation, 3);
    let backoff = info.backoff.expect("it waits");
    assert_eq!((info.state, backoff.failed_starts), (RunnerState::CrashBackoff, 2));
    assert!(backoff.remaining > Duration::ZERO && backoff.remaining <= millis(600));
    assert!(info.health.is_none() && info.pid.is_none());
}

#[test]
fn requests_in_flight_make_an_idle_runner_a_running_one_and_change_no_other_state_s37d() {
    let states = [RunnerState::Setup, RunnerState::Idle, RunnerState::Draining];
    assert_eq!(states.map(|state| state.with_requests(0)), states);
    let busy = [RunnerState::Setup, RunnerState::Running, RunnerState::Draining];
    assert_eq!(states.map(|state| state.with_requests(1)), busy);
}

#[test]
fn the_host_tells_how_many_runners_are_being_replaced_and_how_s40() {
    let stop_first = FleetSettings { replacement_strategy: ReplacementStrategy::StopFirst, ..settings(1) };
    let simulation = Simulation::new(stop_first, |_| GOOD);
    assert_eq!(simulation.fleet.vacated(), 0);
    assert_eq!(simulation.fleet.replacement_strategy(), ReplacementStrategy::StopFirst);
}
