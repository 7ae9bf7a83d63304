//! An app under a host in the process of its test.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use fal_runtime::host::Reason;
use fal_runtime::prelude::*;
use fal_runtime::testing::TestFleet;

static SETUPS: AtomicUsize = AtomicUsize::new(0);

struct Device {
    number: usize,
    is_lost: AtomicBool,
}

#[app]
impl Device {
    async fn setup() -> Result<Self> {
        Ok(Self { number: SETUPS.fetch_add(1, Ordering::Relaxed), is_lost: AtomicBool::new(false) })
    }

    #[endpoint("/number")]
    async fn number(&self) -> usize {
        self.number
    }

    #[endpoint("/lose")]
    async fn lose(&self, response: &mut ResponseHead) {
        self.is_lost.store(true, Ordering::Relaxed);
        response.request_health_check();
    }

    #[endpoint("/health", health_check = HealthCheck(failure_threshold = 3))]
    async fn health(&self) -> Result<&'static str> {
        if self.is_lost.load(Ordering::Relaxed) {
            return Err(Error::msg("the device is lost"));
        }
        Ok("ok")
    }
}

#[tokio::test]
async fn an_app_is_replaced_after_three_failures_and_the_next_request_is_answered() -> Result<()> {
    let mut fleet = TestFleet::<Device>::start().await?;
    let first: usize = fleet.post("/number").send().await?.json()?;
    assert_eq!(fleet.with_app(0, |device| device.number), first);
    fleet.with_app(0, |device| device.is_lost.store(true, Ordering::Relaxed));
    let ended = fleet.next_end().await;
    let failures = ended.checks.iter().rev().take_while(|check| check.outcome.name() == "failure").count();
    assert_eq!((ended.id.get(), ended.reason, failures), (1, Reason::Unhealthy, 3));
    let second: usize = fleet.post("/number").send().await?.json()?;
    assert_ne!(first, second);
    fleet.stop().await
}

#[tokio::test]
async fn a_check_that_a_response_asks_for_can_be_seen() -> Result<()> {
    let mut fleet = TestFleet::<Device>::start_with(|host| host.spares(1)).await?;
    assert!(fleet.post("/lose").send().await?.status().is_success());
    while fleet.next_check().await.trigger.name() != "manual" {}
    assert_eq!(fleet.next_end().await.reason, Reason::ManualCheckFailed);
    assert_eq!(fleet.post("/number").send().await?.status(), StatusCode::OK);
    fleet.stop().await
}

struct Broken;

#[app]
impl Broken {
    async fn setup() -> Result<Self> {
        Err(Error::msg("no device"))
    }

    #[endpoint("/")]
    async fn nothing(&self) {}
}

struct Untidy;

#[app]
impl Untidy {
    async fn setup() -> Result<Self> {
        Ok(Self)
    }

    async fn teardown(self) -> Result<()> {
        Err(Error::msg("the files stay"))
    }

    #[endpoint("/")]
    async fn nothing(&self) {}
}

#[tokio::test]
async fn a_failed_setup_and_a_failed_teardown_are_errors_of_the_fleet() -> Result<()> {
    let error = TestFleet::<Broken>::start().await.unwrap_err();
    assert!(error.to_string().contains("no device"), "{error}");
    let fleet = TestFleet::<Untidy>::start().await?;
    assert_eq!(fleet.post("/").send().await?.status(), StatusCode::OK);
    let error = fleet.stop().await.unwrap_err();
    assert!(error.to_string().contains("the files stay"), "{error}");
    Ok(())
}
