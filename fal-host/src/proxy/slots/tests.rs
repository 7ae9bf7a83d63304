use std::collections::BTreeSet;

use super::*;

type Table = Slots<u64, Arrival>;

fn id(id: u64) -> RunnerId {
    RunnerId::new(id)
}

/// Runners 1 to `runners`, with `each` slots apiece.
fn table(runners: u64, each: u32) -> Table {
    let mut slots = Slots::new(each);
    for runner in 1..=runners {
        slots.add(id(runner), runner);
    }
    slots
}

/// The runner that a new request is given to.
fn take(slots: &mut Table) -> Option<u64> {
    let arrival = slots.arrive();
    slots.take(arrival)
}

fn wait(slots: &mut Table) -> Arrival {
    let arrival = slots.arrive();
    assert_eq!(slots.take(arrival), None);
    slots.wait(arrival, arrival);
    arrival
}

#[test]
fn a_runner_serves_at_most_its_slots_s38a() {
    let mut slots = table(1, 2);
    assert_eq!(take(&mut slots), Some(1));
    assert_eq!(take(&mut slots), Some(1));
    assert_eq!(take(&mut slots), None);
    assert_eq!(slots.in_flight(id(1)), 2);
    slots.give_back(id(1), None);
    assert_eq!(take(&mut slots), Some(1));
}

#[test]
fn the_runner_with_the_fewest_in_flight_gets_it_then_the_one_longest_idle_s38e() {
    let mut slots = table(3, 3);
    assert_eq!([take(&mut slots), take(&mut slots), take(&mut slots)], [Some(1), Some(2), Some(3)]);
    for runner in [2, 3, 1] {
        slots.give_back(id(runner), None);
    }
    assert_eq!([take(&mut slots), take(&mut slots), take(&mut slots)], [Some(2), Some(3), Some(1)]);
    slots.give_back(id(3), None);
    assert_eq!(take(&mut slots), Some(3), "it has the fewest");
}

#[test]
fn a_runner_that_may_be_dying_is_given_nothing_until_every_doubt_is_over_s39c() {
    let mut slots = table(2, 2);
    assert_eq!([take(&mut slots), take(&mut slots)], [Some(1), Some(2)]);
    slots.doubt(id(1));
    slots.doubt(id(1));
    slots.give_back(id(1), None);
    assert_eq!([take(&mut slots), take(&mut slots)], [Some(2), None], "it would have had the fewest");
    let waiter = wait(&mut slots);
    slots.trust(id(1));
    assert_eq!(slots.next_grant(), None);
    slots.trust(id(1));
    assert_eq!(slots.next_grant(), Some(Grant { waiter, route: 1 }));
}

#[test]
fn who_waits_is_served_in_order_of_arrival_s38d() {
    let mut slots = table(1, 1);
    take(&mut slots);
    let (first, second) = (wait(&mut slots), wait(&mut slots));
    assert_eq!(slots.next_grant(), None);
    for waiter in [first, second] {
        slots.give_back(id(1), None);
        assert_eq!(slots.next_grant(), Some(Grant { waiter, route: 1 }));
        assert_eq!(slots.next_grant(), None);
    }
}

#[test]
fn a_new_request_does_not_pass_one_that_waits_s38d() {
    let mut slots = table(1, 1);
    take(&mut slots);
    let waiter = wait(&mut slots);
    slots.give_back(id(1), None);
    assert_eq!(take(&mut slots), None);
    assert_eq!(slots.next_grant().map(|grant| grant.waiter), Some(waiter));
}

#[test]
fn a_request_that_moves_comes_before_those_that_came_after_it_s39b() {
    let mut slots = table(1, 1);
    let moving = slots.arrive();
    assert_eq!(slots.take(moving), Some(1));
    let waiting = wait(&mut slots);
    slots.give_back(id(1), None);
    assert_eq!(slots.take(moving), Some(1));
    slots.give_back(id(1), None);
    assert_eq!(slots.next_grant().map(|grant| grant.waiter), Some(waiting));

    slots.wait(moving, moving);
    let late = wait(&mut slots);
    slots.give_back(id(1), None);
    assert_eq!(slots.next_grant().map(|grant| grant.waiter), Some(moving));
    slots.give_back(id(1), None);
    assert_eq!(slots.next_grant().map(|grant| grant.waiter), Some(late));
}

#[test]
fn who_gives_up_is_passed_over() {
    let mut slots = table(1, 1);
    take(&mut slots);
    let (first, second) = (wait(&mut slots), wait(&mut slots));
    assert_eq!(slots.give_up(first), Some(first));
    assert_eq!(slots.waiting(), 1);
    slots.give_back(id(1), None);
    assert_eq!(slots.next_grant().map(|grant| grant.waiter), Some(second));
    assert_eq!(slots.give_up(second), None);
}

#[test]
fn a_new_runner_serves_as_many_who_wait_as_it_has_slots() {
    let mut slots = table(0, 2);
    let waiting = [wait(&mut slots), wait(&mut slots), wait(&mut slots)];
    slots.add(id(1), 1);
    assert_eq!(slots.next_grant().map(|grant| grant.waiter), Some(waiting[0]));
    assert_eq!(slots.next_grant().map(|grant| grant.waiter), Some(waiting[1]));
    assert_eq!(slots.next_grant(), None);
}

#[test]
fn a_removed_runner_gets_nothing_and_is_drained_once_its_last_request_has_ended_s33a() {
    let mut slots = table(1, 2);
    take(&mut slots);
    take(&mut slots);
    assert_eq!(slots.remove(id(1)), Drained::No);
    assert_eq!(slots.give_back(id(1), None), Drained::No);
    assert_eq!(take(&mut slots), None);
    assert_eq!(slots.remove(id(1)), Drained::No, "once is enough");
    assert_eq!(slots.give_back(id(1), None), Drained::Yes);
    assert_eq!(slots.remove(id(1)), Drained::No);

    let mut slots = table(1, 1);
    assert_eq!(slots.remove(id(1)), Drained::Yes);
}

#[test]
fn a_runner_that_was_out_of_service_before_it_was_removed_is_drained_as_well() {
    let mut slots = table(1, 1);
    take(&mut slots);
    assert!(slots.suspend(id(1)));
    assert!(!slots.suspend(id(1)));
    assert_eq!(slots.remove(id(1)), Drained::No);
    assert!(!slots.suspend(id(1)), "and stays the one that was said to leave");
    assert_eq!(slots.give_back(id(1), None), Drained::Yes);
}

#[test]
fn a_forgotten_runner_is_nothing_to_give_back_to() {
    let mut slots = table(1, 1);
    take(&mut slots);
    slots.ask(id(1));
    assert_eq!(slots.forget(id(1)), Some(1));
    assert_eq!(slots.give_back(id(1), None), Drained::No);
    assert_eq!((slots.in_flight(id(1)), slots.take_asked()), (0, vec![]));
    assert_eq!(take(&mut slots), None);
}

#[test]
fn a_slot_is_held_from_the_end_of_its_request_until_the_end_of_the_check_s30() {
    let mut slots = table(1, 1);
    take(&mut slots);
    let asked = slots.ask(id(1));
    slots.give_back(id(1), asked);
    assert_eq!(slots.in_flight(id(1)), 0, "held is not in flight");
    assert_eq!(take(&mut slots), None);
    slots.check_started(id(1));
    assert_eq!(take(&mut slots), None);
    slots.check_ended(id(1));
    assert_eq!(take(&mut slots), Some(1));
}

#[test]
fn a_runner_that_asks_again_and_again_is_named_once_s31b() {
    let mut slots = table(2, 1);
    for _ in 0..10_000 {
        slots.ask(id(2));
    }
    slots.ask(id(1));
    assert_eq!(slots.take_asked(), [id(1), id(2)]);
    assert_eq!(slots.take_asked(), []);
    slots.ask(id(1));
    slots.check_started(id(1));
    assert_eq!(slots.take_asked(), [], "the check that starts answers it");
}

#[test]
fn a_runner_out_of_service_asks_for_nothing_and_holds_nothing_s32b() {
    let mut slots = table(1, 2);
    take(&mut slots);
    take(&mut slots);
    let asked = slots.ask(id(1));
    assert_eq!(slots.remove(id(1)), Drained::No);
    assert_eq!(slots.take_asked(), []);
    assert_eq!(slots.ask(id(1)), None);
    slots.give_back(id(1), asked);
    assert_eq!(slots.give_back(id(1), None), Drained::Yes);
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
    in_flight: Vec<(u64, Option<Asked>)>,
    waiting: BTreeSet<Arrival>,
    in_service: BTreeSet<u64>,
    next: u64,
}

impl Walk {
    fn step(&mut self, slots: &mut Table, dice: u64, each: u32) {
        let runner = self.in_service.iter().nth((dice >> 8) as usize % self.in_service.len().max(1)).copied();
        match (dice % 16, runner) {
            (0, _) if self.in_service.len() < 4 => {
                self.next += 1;
                slots.add(id(self.next), self.next);
                self.in_service.insert(self.next);
            }
            (1, Some(runner)) => {
                self.in_service.remove(&runner);
                let busy = self.in_flight.iter().any(|(r, _)| *r == runner);
                assert_eq!(slots.remove(id(runner)) == Drained::Yes, !busy);
            }
            (2, Some(runner)) => slots.check_started(id(runner)),
            (3, Some(runner)) => slots.check_ended(id(runner)),
            (4, Some(runner)) => slots.release_held(id(runner)),
            (5, _) => {
                if let Some(&arrival) = self.waiting.last() {
                    assert_eq!(slots.give_up(arrival), Some(arrival));
                    self.waiting.remove(&arrival);
                }
            }
            (6..=10, _) if !self.in_flight.is_empty() => {
                let (runner, asked) = self.in_flight.swap_remove((dice >> 8) as usize % self.in_flight.len());
                let last = !self.in_flight.iter().any(|(r, _)| *r == runner);
                let leaving = !self.in_service.contains(&runner);
                assert_eq!(slots.give_back(id(runner), asked) == Drained::Yes, last && leaving);
            }
            _ => {
                let arrival = slots.arrive();
                if let Some(runner) = slots.take(arrival) {
                    self.in_flight.push((runner, None));
                } else {
                    slots.wait(arrival, arrival);
                    self.waiting.insert(arrival);
                }
            }
        }
        if let Some((runner, asked)) = self.in_flight.last_mut()
            && dice & 0x80 != 0
        {
            *asked = asked.or_else(|| slots.ask(id(*runner)));
        }
        while let Some(grant) = slots.next_grant() {
            assert_eq!(self.waiting.pop_first(), Some(grant.waiter), "first come, first served");
            self.in_flight.push((grant.route, None));
        }
        self.check(slots, each);
    }

    fn check(&self, slots: &Table, each: u32) {
        assert_eq!(slots.waiting(), self.waiting.len());
        for (runner, entry) in &slots.runners {
            let mine = self.in_flight.iter().filter(|(r, _)| *r == runner.get()).count();
            assert_eq!(entry.in_flight as usize, mine);
            assert!(entry.in_flight + entry.checks.held() <= each);
            let can_serve = entry.service == Service::In && entry.in_flight + entry.checks.held() < each;
            assert_eq!(slots.free.iter().any(|rank| rank.id == *runner), can_serve);
        }
        assert!(slots.free.is_empty() || self.waiting.is_empty(), "nobody waits while a slot is free");
    }
}

#[test]
fn on_random_walks_no_slot_is_lost_and_nobody_waits_beside_a_free_one() {
    for seed in 0..200 {
        let (mut state, each) = (seed, 1 + (seed % 3) as u32);
        let (mut slots, mut walk) = (Table::new(each), Walk::default());
        for _ in 0..500 {
            walk.step(&mut slots, random(&mut state), each);
        }
        for arrival in std::mem::take(&mut walk.waiting) {
            slots.give_up(arrival);
        }
        for (runner, asked) in walk.in_flight.drain(..) {
            slots.give_back(id(runner), asked);
        }
        for runner in &walk.in_service {
            slots.release_held(id(*runner));
        }
        let free = std::iter::from_fn(|| take(&mut slots)).count();
        assert_eq!(free, walk.in_service.len() * each as usize, "seed {seed}");
    }
}
