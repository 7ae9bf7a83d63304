//! Runners and records for tests of what the host says about them.

use std::num::NonZeroUsize;
use std::time::{Duration, SystemTime};

use fal_health::Verdict;

use crate::ended_info::EndedInfo;
use crate::fleet::{Exit, Reason, RunnerState, ScaleTarget};
use crate::id::RunnerId;
use crate::latency::LatencyTotal;
use crate::request_info::RequestInfo;
use crate::snapshot::{HealthInfo, RunnerInfo, Snapshot};

pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A healthy runner with two requests in flight.
pub(crate) fn runner(state: RunnerState) -> RunnerInfo {
    let health = HealthInfo {
        verdict: Verdict::Healthy,
        streak: 0,
        failure_threshold: 3,
        effective_start_period: Duration::from_secs(30),
        wedged: false,
        stalled: None,
        oldest_request: None,
        last_check: None,
    };
    RunnerInfo {
        id: RunnerId::new(3),
        index: 1,
        pid: Some(4_711),
        state,
        spare: false,
        age: Duration::from_secs(100),
        in_flight: 2,
        full: false,
        oldest_request: None,
        recent_losses: None,
        served: 7,
        memory: None,
        replacement_due: None,
        progress: None,
        reason: None,
        detail: None,
        deferred: false,
        backoff: None,
        awaits_start_of: None,
        awaits_first_pass: false,
        awaits_min_healthy: false,
        notes: Vec::new(),
        health: Some(health),
        kept: None,
    }
}

/// A request that has been in flight for so long.
pub(crate) fn request(seconds: u64) -> RequestInfo {
    RequestInfo {
        method: "POST".to_owned(),
        path: "/predict".to_owned(),
        request_id: "abc".to_owned(),
        in_flight: Duration::from_secs(seconds),
        response_begun: false,
        client_wait: None,
    }
}

pub(crate) fn ended(reason: Reason) -> EndedInfo {
    EndedInfo {
        id: RunnerId::new(3),
        index: 1,
        pid: Some(4_711),
        reason,
        detail: None,
        exit: Some(Exit::Status(0)),
        core_dumped: false,
        oom_killed: None,
        peak_memory: Some(50 << 20),
        cpu_time: Some(Duration::from_millis(1_500)),
        lost_requests: Vec::new(),
        started_at: at(900),
        ended_at: at(960),
        checks: Vec::new(),
    }
}

/// A host with these runners, of which each serves two requests at a time.
pub(crate) fn snapshot(runners: Vec<RunnerInfo>) -> Snapshot {
    Snapshot {
        ready: true,
        stopping: false,
        scale: ScaleTarget { runners: NonZeroUsize::MIN, spares: 0 },
        max_multiplexing: 2,
        queued: 0,
        queued_for: None,
        queue_cause: None,
        startup_limit: Duration::from_secs(600),
        latency: LatencyTotal::default(),
        paused: false,
        paused_since: None,
        lost_log_lines: None,
        lost_spans: None,
        notes: Vec::new(),
        runners,
        restart: None,
        upgrade: None,
        ended: Vec::new(),
    }
}
