//! The app of the trials. It does a little work, and has the fault that it is given.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fal_runtime::prelude::*;

/// How many requests a runner serves at a time.
pub(crate) const SLOTS: usize = 4;

/// What one check may take, and how many failures it takes.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(1);
pub(crate) const THRESHOLD: u32 = 3;

/// From SIGTERM to SIGKILL.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// Above it a runner is replaced, where the trial limits memory. A healthy one has a tenth of it.
pub(crate) const MAX_MEMORY: u64 = 200 << 20;

/// What can be wrong with a runner that can still be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// Checks fail.
    Unhealthy,
    /// Checks are not answered.
    Hung,
    /// The next manual check fails, and this response asks for it.
    Asking,
    /// The process ends.
    Exit,
    /// Its memory grows above [`MAX_MEMORY`].
    Leaking,
    /// It says that it cannot go on.
    Stopping,
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Told {
    fault: Fault,
}

/// Work that never yields.
#[derive(Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Hold {
    /// The thread is asleep.
    Asleep,
    /// The thread burns.
    Burning,
}

#[derive(Deserialize, Serialize, JsonSchema)]
pub(crate) struct Held {
    pub(crate) hold: Hold,
    pub(crate) milliseconds: u64,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Served {
    runner: u64,
}

impl Served {
    fn here() -> Self {
        Self {
            runner: std::env::var("FAL_RUNNER_ID").ok().and_then(|id| id.parse().ok()).unwrap_or_default(),
        }
    }
}

#[derive(Default)]
pub(crate) struct Steady {
    failing: AtomicBool,
    hung: AtomicBool,
}

#[app(max_multiplexing = 4, termination_grace_period = 2)]
impl Steady {
    /// Works for two milliseconds.
    #[endpoint("/")]
    async fn work(&self) -> Served {
        tokio::time::sleep(Duration::from_millis(2)).await;
        Served::here()
    }

    /// The same, and the host may send it twice.
    #[endpoint("/again", idempotent)]
    async fn work_again(&self) -> Served {
        self.work().await
    }

    /// Responds with 64 KiB.
    #[endpoint("/large")]
    async fn large(&self) -> String {
        "x".repeat(64 * 1024)
    }

    /// Holds a thread of the runtime that serves requests.
    #[endpoint("/hold")]
    async fn hold(&self, held: Held) -> Served {
        let time = Duration::from_millis(held.milliseconds);
        match held.hold {
            Hold::Asleep => std::thread::sleep(time),
            Hold::Burning => {
                let begun = Instant::now();
                while begun.elapsed() < time {
                    std::hint::spin_loop();
                }
            }
        }
        Served::here()
    }

    /// Has this fault from now on.
    #[endpoint("/become")]
    async fn become_faulty(&self, told: Told, response: &mut ResponseHead) -> Served {
        match told.fault {
            Fault::Unhealthy => self.failing.store(true, Ordering::Relaxed),
            Fault::Hung => self.hung.store(true, Ordering::Relaxed),
            Fault::Asking => {
                self.failing.store(true, Ordering::Relaxed);
                response.request_health_check();
            }
            Fault::Leaking => {
                // Written, so that it is resident, and used, so that the compiler keeps it. On a thread that has no requests to
                // serve.
                std::thread::spawn(|| {
                    let leaked = vec![1_u8; usize::try_from(MAX_MEMORY).unwrap_or_default()].leak();
                    std::hint::black_box(leaked);
                });
            }
            Fault::Stopping => response.stop_runner(),
            Fault::Exit => {
                // When the answer has been sent.
                tokio::spawn(async {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    std::process::exit(9);
                });
            }
        }
        Served::here()
    }

    #[endpoint("/health", health_check = HealthCheck(start_period_seconds = 0, timeout_seconds = 1, failure_threshold = 3))]
    async fn health(&self) -> Result<()> {
        if self.hung.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        if self.failing.load(Ordering::Relaxed) {
            return Err(Error::msg("told to fail"));
        }
        Ok(())
    }
}
