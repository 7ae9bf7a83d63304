//! The scheduler, rule by rule and on random walks.

use std::collections::BTreeSet;

use super::*;

type Table = PermitTable<u64, Arrival>;

fn id(id: u64) -> RunnerId {
    RunnerId::new(id)
}

/// Runners 1 to `runners`, with `each` permits apiece.
fn table(runners: u64, each: u32) -> Table {
    let mut permits = PermitTable::new(each);
    for runner in 1..=runners {
        permits.add(id(runner), runner);
    }
    permits
}

/// The runner that a new request is given to.
fn take(permits: &mut Table) -> Option<u64> {
    let arrival = permits.arrive(ClientAddress::default());
    permits.try_acquire(arrival)
}

fn wait(permits: &mut Table) -> Arrival {
    let arrival = permits.arrive(ClientAddress::default());
    assert_eq!(permits.try_acquire(arrival), None);
    permits.enqueue(arrival, arrival);
    arrival
}

#[test]
fn a_runner_serves_at_most_its_slots_s38a() {
    let mut permits = table(1, 2);
    assert_eq!(take(&mut permits), Some(1));
    assert_eq!(take(&mut permits), Some(1));
    assert_eq!(take(&mut permits), None);
    assert_eq!(permits.in_flight(id(1)), 2);
    permits.release(id(1), None);
    assert_eq!(take(&mut permits), Some(1));
}

#[test]
fn the_runner_with_the_fewest_in_flight_gets_it_then_the_one_longest_idle_s38e() {
    let mut permits = table(3, 3);
    assert_eq!([take(&mut permits), take(&mut permits), take(&mut permits)], [Some(1), Some(2), Some(3)]);
    for runner in [2, 3, 1] {
        permits.release(id(runner), None);
    }
    assert_eq!([take(&mut permits), take(&mut permits), take(&mut permits)], [Some(2), Some(3), Some(1)]);
    permits.release(id(3), None);
    assert_eq!(take(&mut permits), Some(3), "it has the fewest");
}

#[test]
fn a_failing_runner_gets_a_request_only_if_no_other_has_a_free_permit_s38g() {
    let mut permits = table(2, 2);
    permits.dispatch_last(id(1));
    assert_eq!([take(&mut permits), take(&mut permits)], [Some(2), Some(2)], "1 has fewer in flight");
    assert_eq!([take(&mut permits), take(&mut permits)], [Some(1), Some(1)]);
    permits.release(id(2), None);
    permits.release(id(1), None);
    permits.release(id(1), None);
    permits.dispatch_normally(id(1));
    assert_eq!(take(&mut permits), Some(1), "it has passed again, and has the fewest in flight");
}

#[test]
fn an_ejected_runner_gets_no_request_until_every_quarantine_has_ended_s39c() {
    let mut permits = table(2, 2);
    assert_eq!([take(&mut permits), take(&mut permits)], [Some(1), Some(2)]);
    permits.eject(id(1));
    permits.eject(id(1));
    permits.release(id(1), None);
    assert_eq!([take(&mut permits), take(&mut permits)], [Some(2), None], "it would have had the fewest");
    let waiter = wait(&mut permits);
    permits.readmit(id(1));
    assert_eq!(permits.next_grant(Instant::now), None);
    permits.readmit(id(1));
    assert_eq!(permits.next_grant(Instant::now), Some(Grant { waiter, route: 1 }));
}

#[test]
fn waiting_requests_are_served_in_order_of_arrival_s38d() {
    let mut permits = table(1, 1);
    take(&mut permits);
    let (first, second) = (wait(&mut permits), wait(&mut permits));
    assert_eq!(permits.next_grant(Instant::now), None);
    for waiter in [first, second] {
        permits.release(id(1), None);
        assert_eq!(permits.next_grant(Instant::now), Some(Grant { waiter, route: 1 }));
        assert_eq!(permits.next_grant(Instant::now), None);
    }
}

#[test]
fn a_new_request_does_not_pass_one_that_waits_s38d() {
    let mut permits = table(1, 1);
    take(&mut permits);
    let waiter = wait(&mut permits);
    permits.release(id(1), None);
    assert_eq!(take(&mut permits), None);
    assert_eq!(permits.next_grant(Instant::now).map(|grant| grant.waiter), Some(waiter));
}

#[test]
fn a_permit_that_was_not_used_counts_as_no_request_s54a() {
    let mut permits = table(1, 1);
    permits.limit_requests(id(1), NonZeroU64::MIN);
    take(&mut permits);
    assert_eq!(permits.release_unused(id(1)), Drained::No);
    assert_eq!((permits.served(id(1)), permits.take_reached_limit()), (0, None));
    take(&mut permits);
    permits.release(id(1), None);
    assert_eq!((permits.served(id(1)), permits.take_reached_limit()), (1, Some(id(1))));
    take(&mut permits);
    permits.remove(id(1));
    assert_eq!(permits.release_unused(id(1)), Drained::Yes);
}

#[test]
fn a_request_that_moves_comes_before_those_that_came_after_it_s39b() {
    let mut permits = table(1, 1);
    let moving = permits.arrive(ClientAddress::default()).with(Priority::Moved);
    assert_eq!(permits.try_acquire(moving), Some(1));
    let waiting = wait(&mut permits);
    permits.release(id(1), None);
    assert_eq!(permits.try_acquire(moving), Some(1));
    permits.release(id(1), None);
    assert_eq!(permits.next_grant(Instant::now).map(|grant| grant.waiter), Some(waiting));

    permits.enqueue(moving, moving);
    let late = wait(&mut permits);
    permits.release(id(1), None);
    assert_eq!(permits.next_grant(Instant::now).map(|grant| grant.waiter), Some(moving));
    permits.release(id(1), None);
    assert_eq!(permits.next_grant(Instant::now).map(|grant| grant.waiter), Some(late));
}

#[test]
fn who_gives_up_is_passed_over() {
    let mut permits = table(1, 1);
    take(&mut permits);
    let (first, second) = (wait(&mut permits), wait(&mut permits));
    assert_eq!(permits.cancel(first), Some(first));
    assert_eq!(permits.waiting(), 1);
    permits.release(id(1), None);
    assert_eq!(permits.next_grant(Instant::now).map(|grant| grant.waiter), Some(second));
    assert_eq!(permits.cancel(second), None);
}

#[test]
fn a_new_runner_serves_as_many_who_wait_as_it_has_slots() {
    let mut permits = table(0, 2);
    let waiting = [wait(&mut permits), wait(&mut permits), wait(&mut permits)];
    permits.add(id(1), 1);
    assert_eq!(permits.next_grant(Instant::now).map(|grant| grant.waiter), Some(waiting[0]));
    assert_eq!(permits.next_grant(Instant::now).map(|grant| grant.waiter), Some(waiting[1]));
    assert_eq!(permits.next_grant(Instant::now), None);
}

#[test]
fn a_removed_runner_gets_nothing_and_is_drained_once_its_last_request_has_ended_s33a() {
    let mut permits = table(1, 2);
    take(&mut permits);
    take(&mut permits);
    assert_eq!(permits.remove(id(1)), Drained::No);
    assert_eq!(permits.release(id(1), None), Drained::No);
    assert_eq!(take(&mut permits), None);
    assert_eq!(permits.remove(id(1)), Drained::No, "once is enough");
    assert_eq!(permits.release(id(1), None), Drained::Yes);
    assert_eq!(permits.remove(id(1)), Drained::No);

    let mut permits = table(1, 1);
    assert_eq!(permits.remove(id(1)), Drained::Yes);
}

#[test]
fn a_runner_that_was_out_of_service_before_it_was_removed_is_drained_as_well() {
    let mut permits = table(1, 1);
    take(&mut permits);
    assert!(permits.suspend(id(1)));
    assert!(!permits.suspend(id(1)));
    assert_eq!(permits.remove(id(1)), Drained::No);
    assert!(!permits.suspend(id(1)), "and stays the one that was said to leave");
    assert_eq!(permits.release(id(1), None), Drained::Yes);
}

#[test]
fn a_permit_of_a_removed_runner_is_dropped() {
    let mut permits = table(1, 1);
    take(&mut permits);
    permits.ask(id(1));
    assert_eq!(permits.forget(id(1)), Some(1));
    assert_eq!(permits.release(id(1), None), Drained::No);
    assert_eq!((permits.in_flight(id(1)), permits.take_asked()), (0, vec![]));
    assert_eq!(take(&mut permits), None);
}

#[test]
fn a_slot_is_held_from_the_end_of_its_request_until_the_end_of_the_check_s30() {
    let mut permits = table(1, 1);
    take(&mut permits);
    let asked = permits.ask(id(1));
    permits.release(id(1), asked);
    assert_eq!(permits.in_flight(id(1)), 0, "held is not in flight");
    assert_eq!(take(&mut permits), None);
    permits.check_started(id(1));
    assert_eq!(take(&mut permits), None);
    permits.check_ended(id(1));
    assert_eq!(take(&mut permits), Some(1));
}

#[test]
fn a_runner_that_asks_again_and_again_is_named_once_s31b() {
    let mut permits = table(2, 1);
    for _ in 0..10_000 {
        permits.ask(id(2));
    }
    permits.ask(id(1));
    assert_eq!(permits.take_asked(), [id(1), id(2)]);
    assert_eq!(permits.take_asked(), []);
    permits.ask(id(1));
    permits.check_started(id(1));
    assert_eq!(permits.take_asked(), [], "the check that starts answers it");
}

#[test]
fn a_runner_out_of_service_cannot_ask_and_holds_no_permit_s32b() {
    let mut permits = table(1, 2);
    take(&mut permits);
    take(&mut permits);
    let asked = permits.ask(id(1));
    assert_eq!(permits.remove(id(1)), Drained::No);
    assert_eq!(permits.take_asked(), []);
    assert_eq!(permits.ask(id(1)), None);
    permits.release(id(1), asked);
    assert_eq!(permits.release(id(1), None), Drained::Yes);
}

/// Splitmix64: the same walks every time.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What must hold after every step, kept apart from the table's own counts.
#[derive(Default)]
struct Walk {
    in_flight: Vec<(u64, Option<CheckTicket>)>,
    waiting: BTreeSet<Arrival>,
    in_service: BTreeSet<u64>,
    next: u64,
}

impl Walk {
    fn step(&mut self, permits: &mut Table, dice: u64, each: u32) {
        let runner = self.in_service.iter().nth((dice >> 8) as usize % self.in_service.len().max(1)).copied();
        match (dice % 16, runner) {
            (0, _) if self.in_service.len() < 4 => {
                self.next += 1;
                permits.add(id(self.next), self.next);
                self.in_service.insert(self.next);
            }
            (1, Some(runner)) => {
                self.in_service.remove(&runner);
                let busy = self.in_flight.iter().any(|(r, _)| *r == runner);
                assert_eq!(permits.remove(id(runner)) == Drained::Yes, !busy);
            }
            (2, Some(runner)) => permits.check_started(id(runner)),
            (3, Some(runner)) => permits.check_ended(id(runner)),
            (4, Some(runner)) => permits.release_held(id(runner)),
            (5, _) => {
                if let Some(&arrival) = self.waiting.last() {
                    assert_eq!(permits.cancel(arrival), Some(arrival));
                    self.waiting.remove(&arrival);
                }
            }
            (6..=10, _) if !self.in_flight.is_empty() => {
                let (runner, asked) = self.in_flight.swap_remove((dice >> 8) as usize % self.in_flight.len());
                let last = !self.in_flight.iter().any(|(r, _)| *r == runner);
                let leaving = !self.in_service.contains(&runner);
                let drained = if asked.is_none() && dice & 0x40 != 0 {
                    permits.release_unused(id(runner))
                } else {
                    permits.release(id(runner), asked)
                };
                assert_eq!(drained == Drained::Yes, last && leaving);
            }
            _ => {
                let arrival = permits.arrive(ClientAddress::default());
                if let Some(runner) = permits.try_acquire(arrival) {
                    self.in_flight.push((runner, None));
                } else {
                    permits.enqueue(arrival, arrival);
                    self.waiting.insert(arrival);
                }
            }
        }
        if let Some((runner, asked)) = self.in_flight.last_mut()
            && dice & 0x80 != 0
        {
            *asked = asked.or_else(|| permits.ask(id(*runner)));
        }
        while let Some(grant) = permits.next_grant(Instant::now) {
            assert_eq!(self.waiting.pop_first(), Some(grant.waiter), "first come, first served (S38d)");
            self.in_flight.push((grant.route, None));
        }
        self.check(permits, each);
    }

    fn check(&self, permits: &Table, each: u32) {
        assert_eq!(permits.waiting(), self.waiting.len());
        for (runner, entry) in &permits.runners {
            let mine = self.in_flight.iter().filter(|(r, _)| *r == runner.get()).count();
            assert_eq!(entry.in_flight as usize, mine);
            assert!(entry.in_flight + entry.checks.held() <= each);
            let can_serve = entry.service == Service::In && entry.in_flight + entry.checks.held() < each;
            assert_eq!(permits.free.iter().any(|rank| rank.id == *runner), can_serve);
        }
        assert!(
            permits.free.is_empty() || self.waiting.is_empty(),
            "no request waits while a permit is free"
        );
    }
}

#[test]
fn on_random_walks_no_permit_is_lost_and_no_request_waits_while_one_is_free() {
    for seed in 0..200 {
        let (mut state, each) = (seed, 1 + (seed % 3) as u32);
        let (mut permits, mut walk) = (Table::new(each), Walk::default());
        for _ in 0..500 {
            walk.step(&mut permits, random(&mut state), each);
        }
        for arrival in std::mem::take(&mut walk.waiting) {
            permits.cancel(arrival);
        }
        for (runner, asked) in walk.in_flight.drain(..) {
            permits.release(id(runner), asked);
        }
        for runner in &walk.in_service {
            permits.release_held(id(*runner));
        }
        let free = std::iter::from_fn(|| take(&mut permits)).count();
        assert_eq!(free, walk.in_service.len() * each as usize, "seed {seed}");
    }
}
