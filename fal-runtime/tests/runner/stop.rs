//! From SIGTERM to the end of a runner (S42).

use std::time::Duration;

use crate::host::{Client, Runner};

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(3600);

/// Short enough to wait for its end, in tests of what happens then.
const SHORT: Duration = Duration::from_millis(400);

/// Enough for what is to be done in it.
const GRACE: Duration = Duration::from_secs(4);

fn ready(fixture: &str, grace: Duration) -> Runner {
    let mut runner = Runner::start("patient", fixture, grace);
    runner.wait_until_ready();
    runner
}

#[test]
fn handle_exit_is_called_at_once_and_once_and_teardown_when_the_last_call_has_ended_s42a_s42b() {
    let mut runner = ready("", LONG);
    let mut call = runner.send("/blocking");
    runner.wait_for_mark("blocking");
    let mut kept = runner.send("/quick");
    assert_eq!(kept.answer(), "Running");

    runner.terminate();
    runner.wait_for_mark("handle_exit");
    runner.terminate();
    kept.send("/release");
    assert_eq!(kept.answer(), "done");
    assert_eq!(call.answer(), "released");
    let ended = runner.ended();
    assert_eq!(ended.marks, ["blocking ended", "teardown"]);
    assert_eq!(ended.code, Some(0));
}

#[test]
fn a_call_that_waits_for_the_stop_of_its_runner_is_finished_s42b() {
    let mut runner = ready("", LONG);
    let mut call = runner.send("/until-exit");
    runner.wait_for_mark("until-exit");
    runner.terminate();
    let (head, body) = call.response();
    assert!(head.contains("connection: close"), "{head}");
    assert_eq!(body, "\"told\"");
    assert!(call.is_closed());
    let ended = runner.ended();
    assert_eq!((ended.marks, ended.code), (vec!["handle_exit".to_owned(), "teardown".to_owned()], Some(0)));
}

#[test]
fn no_new_connections_are_taken_s42b() {
    let mut runner = ready("", LONG);
    let mut kept = Client::connect(runner.socket());
    kept.send("/until-exit");
    runner.wait_for_mark("until-exit");
    let mut call = runner.send("/blocking");
    runner.wait_for_mark("blocking");
    runner.terminate();
    // When a response says that it is the last one, the runner has begun to drain.
    assert!(kept.response().0.contains("connection: close"));
    while runner.socket().exists() {
        std::thread::yield_now();
    }
    call.leave();
    drop(runner);
}

#[test]
fn a_call_that_outlives_the_limit_is_named_and_teardown_is_skipped_s42c() {
    let mut runner = ready("", SHORT);
    let _calls = ["/endless", "/endless", "/blocking"].map(|path| {
        let call = runner.send(path);
        runner.wait_for_mark(path.trim_start_matches('/'));
        call
    });
    runner.terminate();
    let ended = runner.ended();
    assert_eq!(ended.code, Some(4));
    assert!(!ended.marks.contains(&"teardown".to_owned()), "{:?}", ended.marks);
    let named = "a call of /blocking still runs and 2 calls of /endless still run";
    assert!(ended.errors.contains(named), "{}", ended.errors);
}

/// Makes as many calls that block their thread as there are threads. The first may be enough: tokio does not always
/// move on what waits behind it.
pub(crate) fn hold_every_thread(runner: &mut Runner) -> Vec<Client> {
    let threads = std::thread::available_parallelism().unwrap().get().min(8);
    let calls = (0..threads).map(|_| runner.send("/wedge")).collect();
    runner.wait_for_mark("wedge");
    calls
}

/// A client of a call that has begun and waits for the second half of its body.
fn half_a_body(runner: &Runner) -> Client {
    let mut client = Client::connect(runner.socket());
    client.write(
        "POST /takes HTTP/1.1\r\nhost: runner\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\
         expect: 100-continue\r\n\r\n",
    );
    client.wait_for_continue();
    client.write("\"half");
    client
}

#[test]
fn a_body_that_never_ends_does_not_keep_teardown_from_running_s42d() {
    let runner = ready("", GRACE);
    let mut client = half_a_body(&runner);
    runner.terminate();
    let ended = runner.ended();
    assert_eq!((ended.marks, ended.code), (vec!["handle_exit".to_owned(), "teardown".to_owned()], Some(0)));
    assert!(ended.errors.contains("cut off"), "{}", ended.errors);
    assert!(client.is_closed());
}

#[test]
fn a_body_that_comes_in_time_is_still_taken_s42d() {
    let mut runner = ready("", LONG);
    let mut client = half_a_body(&runner);
    runner.terminate();
    runner.wait_for_mark("handle_exit");
    client.write("half\"");
    let (head, body) = client.response();
    assert!(head.starts_with("HTTP/1.1 200") && body == "8", "{head}{body}");
    assert_eq!(runner.ended().marks, ["teardown"]);
}

#[test]
fn calls_that_hold_every_thread_do_not_keep_the_limit_from_being_seen_s42c() {
    let mut runner = ready("", SHORT);
    let _calls = hold_every_thread(&mut runner);
    runner.terminate();
    let ended = runner.ended();
    assert_eq!(ended.code, Some(4));
    assert!(ended.errors.contains("of /wedge still run"), "{}", ended.errors);
}

#[test]
fn an_abandoned_blocking_call_is_waited_for_and_an_async_one_is_cancelled_s38b_s42b() {
    let mut runner = ready("", LONG);
    let mut endless = runner.send("/endless");
    runner.wait_for_mark("endless");
    endless.leave();
    runner.wait_for_mark("endless dropped");
    assert!(endless.is_closed());

    let mut blocking = runner.send("/blocking");
    runner.wait_for_mark("blocking");
    let mut kept = runner.send("/quick");
    kept.answer();
    blocking.leave();
    runner.terminate();
    runner.wait_for_mark("handle_exit");
    kept.send("/release");
    kept.answer();
    assert!(blocking.is_closed());
    let ended = runner.ended();
    assert_eq!(ended.marks, ["blocking ended", "teardown"]);
    assert_eq!(ended.code, Some(0));
}

#[test]
fn a_teardown_that_fails_is_logged_and_seen_in_the_exit_code() {
    let runner = ready("teardown error", LONG);
    runner.terminate();
    let ended = runner.ended();
    assert_eq!(ended.code, Some(5));
    assert!(ended.errors.contains("the journal cannot be closed"), "{}", ended.errors);
}

#[test]
fn a_teardown_that_does_not_end_is_cut_short_at_the_limit_s42b() {
    let runner = ready("teardown endless", SHORT);
    runner.terminate();
    let ended = runner.ended();
    assert_eq!(ended.code, Some(4));
    assert!(ended.errors.contains("teardown is cut short"), "{}", ended.errors);
}

#[test]
fn a_panic_in_handle_exit_is_logged_and_teardown_follows() {
    let runner = ready("handle_exit panic", LONG);
    runner.terminate();
    let ended = runner.ended();
    assert_eq!(ended.marks, ["handle_exit", "teardown"]);
    assert!(ended.errors.contains("handle_exit panics"), "{}", ended.errors);
    assert_eq!(ended.code, Some(0));
}
