//! Whether the host was suspended or kept from running, and when it then acts on deadlines that have passed (S35c).

use std::time::Duration;

use fal_health::Time;

/// A wait that ends this late shows that the host was suspended, or kept from running.
const STALL_THRESHOLD: Duration = Duration::from_millis(100);

/// How long the host then handles events that arrived meanwhile before it acts on deadlines that have passed.
pub(super) const CATCH_UP: Duration = Duration::from_millis(500);

/// Delays passed deadlines after a suspension of the host. Reads no clock.
///
/// Before each wait the caller calls [`sleep`](Self::sleep), and after it [`wake`](Self::wake), whatever has ended the
/// wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct CatchUp {
    /// No deadline is acted on before this time.
    not_before: Time,
    /// The deadline that the current wait is for, if it lay ahead when the wait began.
    ahead: Option<Time>,
}

impl CatchUp {
    pub(super) const fn new() -> Self {
        Self { not_before: Time::ZERO, ahead: None }
    }

    /// Begins a wait. Returns when to end it for this deadline.
    pub(super) fn sleep(&mut self, now: Time, deadline: Option<Time>) -> Option<Time> {
        // A deadline that passed while the host worked shows no suspension, and one from before the last catch-up is not
        // delayed again.
        self.ahead = deadline.filter(|deadline| *deadline > now && *deadline > self.not_before);
        deadline.map(|deadline| deadline.max(self.not_before))
    }

    /// A wait has ended.
    pub(super) fn wake(&mut self, now: Time) {
        if self.ahead.take().is_some_and(|deadline| now.since(deadline) > STALL_THRESHOLD) {
            self.not_before = now + CATCH_UP;
        }
    }

    /// Whether deadlines may be acted on.
    pub(super) fn is_over(&self, now: Time) -> bool {
        self.not_before <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::after_start(Duration::from_millis(millis))
    }

    #[test]
    fn a_wait_that_ends_far_too_late_delays_passed_deadlines_once_s35c() {
        let mut catch_up = CatchUp::new();
        assert_eq!(catch_up.sleep(at(0), Some(at(1_000))), Some(at(1_000)));
        catch_up.wake(at(1_101));
        assert!(!catch_up.is_over(at(1_600)) && catch_up.is_over(at(1_601)));
        assert_eq!(catch_up.sleep(at(1_101), Some(at(1_000))), Some(at(1_601)));
        catch_up.wake(at(9_000));
        assert!(catch_up.is_over(at(9_000)), "it is not delayed again");
    }

    #[test]
    fn a_wait_that_ends_a_little_late_delays_nothing_s35c() {
        let mut catch_up = CatchUp::new();
        catch_up.sleep(at(0), Some(at(1_000)));
        catch_up.wake(at(1_100));
        assert!(catch_up.is_over(at(1_100)));
    }

    #[test]
    fn a_deadline_that_has_passed_before_the_wait_shows_no_suspension_s35c() {
        let mut catch_up = CatchUp::new();
        assert_eq!(catch_up.sleep(at(1_000), Some(at(500))), Some(at(500)));
        catch_up.wake(at(1_000));
        assert!(catch_up.is_over(at(1_000)), "the host has worked for half a second");
        catch_up.sleep(at(1_000), Some(at(1_000)));
        catch_up.wake(at(2_000));
        assert!(catch_up.is_over(at(2_000)), "it was due when the wait began");
    }

    #[test]
    fn a_deadline_at_the_end_of_a_catch_up_is_not_delayed_again_s35c() {
        let mut catch_up = CatchUp::new();
        catch_up.sleep(at(0), Some(at(1_000)));
        catch_up.wake(at(1_101));
        catch_up.sleep(at(1_101), Some(at(1_601)));
        catch_up.wake(at(9_000));
        assert!(catch_up.is_over(at(9_000)));
    }

    #[test]
    fn an_event_that_ends_a_wait_early_or_a_wait_without_a_deadline_delays_nothing_s35c() {
        let mut catch_up = CatchUp::new();
        catch_up.sleep(at(0), Some(at(1_000)));
        catch_up.wake(at(10));
        assert_eq!(catch_up.sleep(at(10), None), None);
        catch_up.wake(at(100_000));
        assert!(catch_up.is_over(at(100_000)));
    }
}
