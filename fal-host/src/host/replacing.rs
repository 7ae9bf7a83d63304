//! The settings of how runners are replaced.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use super::builder::HostBuilder;
use crate::fleet::{GiveUp, MaxReplacing, OnStall, ReplacementStrategy};

impl HostBuilder {
    /// How long requests in flight may take in a runner whose end is planned, before it gets SIGTERM
    /// ([S33](fal_health::semantics#s33)). Default: 30 s.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.drain_timeout = timeout;
        self
    }

    /// Whether a replacement starts before or after the old runner has ended
    /// ([S35](fal_health::semantics#s35)). Default: [`StartFirst`](ReplacementStrategy::StartFirst).
    pub fn replacement_strategy(mut self, strategy: ReplacementStrategy) -> Self {
        self.replacement_strategy = strategy;
        self
    }

    /// How long the new runner of a rolling restart must be in the rotation and healthy before the host drains the old one
    /// ([S52a](fal_health::semantics#s52a)). A failed check starts the time again. Default: 0 s, and then the first passed
    /// check is enough.
    pub fn min_healthy(mut self, time: Duration) -> Self {
        self.min_healthy = time;
        self
    }

    /// How many runners the host may replace at a time because of periodic checks
    /// ([S40](fal_health::semantics#s40)). Default: a third of the runners, at least one.
    ///
    /// Further unhealthy runners keep serving while they are deferred, so that the failure of a shared dependency takes
    /// down only a part of them. Failed manual checks and exits never wait.
    pub fn max_replacing(mut self, runners: NonZeroUsize) -> Self {
        self.max_replacing = MaxReplacing::Bound(runners);
        self
    }

    /// Replaces every unhealthy runner at once, even all of them together ([S40](fal_health::semantics#s40)).
    pub fn strict(mut self) -> Self {
        self.max_replacing = MaxReplacing::Unbounded;
        self
    }

    /// The result of a check that passes while the runner's request runtime is stalled
    /// ([S53b](fal_health::semantics#s53b)). Default: [`Fail`](OnStall::Fail), the failure `stalled` and an event.
    pub fn on_stall(mut self, on_stall: OnStall) -> Self {
        self.on_stall = on_stall;
        self
    }

    /// In an app without a `request_timeout`: how long a request may be unanswered before it is overdue. A runner all of whose
    /// permits are held by overdue requests fails its checks as `wedged` ([S53a](fal_health::semantics#s53a)). Default:
    /// `None`, any time.
    pub fn wedged_after(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.wedged_after = time.into();
        self
    }

    /// When the host stops because its runners do not start ([S48](fal_health::semantics#s48)). Default:
    /// [`UntilFirstAdmission`](GiveUp::UntilFirstAdmission).
    pub fn give_up(mut self, give_up: GiveUp) -> Self {
        self.give_up = give_up;
        self
    }

    /// The resident memory of a runner's processes, in bytes, at which the host replaces the runner
    /// ([S54](fal_health::semantics#s54)). Each runner's own limit is up to a tenth lower. Measured every 2 s, on Linux only.
    /// Default: `None`, no limit.
    pub fn max_memory(mut self, bytes: impl Into<Option<NonZeroU64>>) -> Self {
        self.limits.memory = bytes.into();
        self
    }

    /// The time since the start of a runner's process at which the host replaces the runner
    /// ([S54](fal_health::semantics#s54)). Each runner's own limit is up to a tenth lower. Default: `None`, no limit.
    pub fn max_age(mut self, age: impl Into<Option<Duration>>) -> Self {
        self.limits.age = age.into();
        self
    }

    /// How many requests a runner serves before the host replaces it ([S54](fal_health::semantics#s54)). Each runner's own
    /// limit is up to a tenth lower. A runner may serve more while its successor starts. Default: `None`, no limit.
    pub fn max_requests(mut self, requests: impl Into<Option<NonZeroU64>>) -> Self {
        self.limits.requests = requests.into();
        self
    }
}
