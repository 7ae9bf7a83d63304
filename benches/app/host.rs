//! A host of many runners, for the costs of checks.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use fal_health::protocol::Address;
use fal_health::{HealthCheck, HealthCheckSpec};
use fal_host::{AppSpec, Exit, Host, LaunchError, Launcher, RunnerHandle, RunnerId, StatusReporter};

/// A host whose runners are all this one server.
#[tokio::main]
pub(crate) async fn run(server: PathBuf, runners: NonZeroUsize, interval: Duration) -> Result<()> {
    let check = HealthCheckSpec::post("/health", HealthCheck::new());
    let app = AppSpec::new("bench").health_check(check);
    let host = Host::with_launcher(app, OneServer(Address::Unix(server)));
    let listen = ([127, 0, 0, 1], 0).into();
    let host = host.listen(listen).admin(None).runners(runners).check_interval(interval).start().await?;
    host.stopped().await;
    Ok(())
}

struct OneServer(Address);

impl Launcher for OneServer {
    fn launch(
        &mut self,
        _: RunnerId,
        reporter: StatusReporter,
    ) -> Result<Box<dyn RunnerHandle>, LaunchError> {
        reporter.ready();
        Ok(Box::new(Runner { address: self.0.clone(), reporter }))
    }
}

struct Runner {
    address: Address,
    reporter: StatusReporter,
}

impl RunnerHandle for Runner {
    fn address(&self) -> Address {
        self.address.clone()
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn terminate(&mut self) {
        self.reporter.exited(Exit::Status(0));
    }

    fn kill(&mut self) {
        self.terminate();
    }
}
