//! The calls that a runner serves at a time.

use std::time::Duration;

use crate::fixture::CROWD;
use crate::host::Runner;

#[test]
fn as_many_blocking_calls_run_as_there_are_places_s38a() {
    let mut runner = Runner::start("crowd", "", Duration::from_secs(60));
    assert_eq!(runner.report(), serde_json::json!({ "ready": { "protocol": 1 } }));
    let calls: Vec<_> = (0..CROWD).map(|_| runner.send("/meet")).collect();
    for mut call in calls {
        assert_eq!(call.answer(), "met");
    }
    runner.terminate();
    assert_eq!(runner.ended().code, Some(0));
}
