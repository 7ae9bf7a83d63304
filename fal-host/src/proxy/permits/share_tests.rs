//! How clients share the permits, rule by rule and against a model on random histories (S38h, S38j).

use super::*;

use std::time::Duration;

type Table = PermitTable<u64, Arrival>;

fn client(number: u8) -> ClientAddress {
    ClientAddress::new([127, 0, 0, number].into())
}

/// One runner with these permits, and a clock.
struct ClockedTable {
    permits: Table,
    now: Instant,
}

impl ClockedTable {
    fn new(each: u32) -> Self {
        let mut permits = Table::new(each);
        permits.add(RunnerId::new(1), 1);
        Self { permits, now: Instant::now() }
    }

    fn pass(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }

    /// A new request gets a permit at once, or waits.
    fn ask(&mut self, number: u8) -> Option<Arrival> {
        let mut arrival = self.permits.arrive(client(number));
        if self.permits.try_acquire(arrival).is_some() {
            return None;
        }
        arrival.wait_from(self.now);
        self.permits.enqueue(arrival, arrival);
        Some(arrival)
    }

    /// A request of this client that has had its permit for this time ends. Returns the request that is next.
    fn end(&mut self, number: u8, held: u64) -> Option<Arrival> {
        let now = self.now;
        self.permits.release(RunnerId::new(1), None);
        self.permits.charge(client(number), now - Duration::from_millis(held), || now);
        self.permits.next_grant(|| now).map(|grant| grant.waiter)
    }
}

#[test]
fn requests_of_one_client_are_served_in_order_whatever_they_cost_s38d() {
    let mut shared = ClockedTable::new(1);
    assert_eq!(shared.ask(1), None);
    let waiting: Vec<_> = (0..5).map(|_| shared.ask(1)).collect();
    for next in waiting {
        shared.pass(6_000);
        assert_eq!(shared.end(1, 6_000), next);
    }
}

#[test]
fn a_client_whose_requests_hold_permits_for_long_waits_for_one_whose_requests_are_short_s38h() {
    for each in [1, 4] {
        let mut shared = ClockedTable::new(each);
        for _ in 0..each {
            assert_eq!(shared.ask(1), None);
        }
        let slow: Vec<_> = (0..100).map(|_| shared.ask(1)).collect();
        for next_slow in slow.into_iter().take(10) {
            shared.pass(4_000);
            let quick: Vec<_> = (0..10).map(|_| shared.ask(2)).collect();
            shared.pass(2_000);
            assert_eq!(shared.end(1, 6_000), quick[0], "it waits for a permit, and not for those that wait");
            for next in &quick[1..] {
                shared.pass(1);
                assert_eq!(shared.end(2, 1), *next, "with all of its requests");
            }
            shared.pass(1);
            assert_eq!(shared.end(2, 1), next_slow, "and no permit is free meanwhile");
        }
    }
}

#[test]
fn clients_with_equal_requests_alternate_s38h() {
    let mut shared = ClockedTable::new(1);
    assert_eq!(shared.ask(1), None);
    let first: Vec<_> = (0..5).map(|_| shared.ask(1)).collect();
    shared.pass(1);
    let second: Vec<_> = (0..5).map(|_| shared.ask(2)).collect();
    for turn in 0..5 {
        shared.pass(500);
        assert_eq!(shared.end(1, 500), second[turn]);
        shared.pass(500);
        assert_eq!(shared.end(2, 500), first[turn]);
    }
}

#[test]
fn clients_alternate_when_many_permits_are_free_at_once_s38h() {
    let mut shared = ClockedTable { permits: Table::new(4), now: Instant::now() };
    let first: Vec<_> = (0..4).map(|_| shared.ask(1).unwrap()).collect();
    shared.pass(100);
    let second: Vec<_> = (0..4).map(|_| shared.ask(2).unwrap()).collect();
    shared.pass(100);
    shared.permits.add(RunnerId::new(1), 1);
    let granted: Vec<_> =
        std::iter::from_fn(|| shared.permits.next_grant(|| shared.now)).map(|it| it.waiter).collect();
    assert_eq!(granted, [first[0], second[0], first[1], second[1]]);
}

#[test]
fn a_client_waits_at_most_ten_seconds_for_what_it_has_used_s38h() {
    let mut shared = ClockedTable::new(1);
    assert_eq!(shared.ask(1), None);
    let late = shared.ask(1);
    shared.pass(3_600_000);
    let other = shared.ask(2);
    assert_eq!(shared.end(1, 3_600_000), other);
    shared.pass(9_999);
    let before = shared.ask(3);
    shared.pass(2);
    let after = shared.ask(4);
    assert_eq!(shared.end(2, 0), before);
    assert_eq!(shared.end(3, 0), late);
    assert_eq!(shared.end(1, 0), after);
}

#[test]
fn a_request_that_moves_goes_before_those_of_every_client_s39b() {
    let mut shared = ClockedTable::new(1);
    assert_eq!(shared.ask(1), None);
    let other = shared.ask(2);
    shared.pass(6_000);
    shared.permits.charge(client(1), shared.now - Duration::from_secs(6), || shared.now);
    let mut moving = shared.permits.arrive(client(1)).with(Priority::Moved);
    moving.wait_from(shared.now);
    shared.permits.enqueue(moving, moving);
    assert_eq!(shared.end(1, 0), Some(moving));
    assert_eq!(shared.end(1, 0), other);
}

#[test]
fn a_beginning_of_a_request_waits_for_those_of_every_client_s56c() {
    let mut shared = ClockedTable::new(1);
    assert_eq!(shared.ask(1), None);
    let mut low = shared.permits.arrive(client(2)).with(Priority::Low);
    low.wait_from(shared.now);
    shared.permits.enqueue(low, low);
    let usual = shared.ask(1);
    shared.pass(6_000);
    assert_eq!(shared.end(1, 6_000), usual);
    assert_eq!(shared.end(1, 0), Some(low));
}

#[test]
fn in_a_full_queue_the_client_with_the_most_requests_gives_way_to_one_with_half_as_many_s38j() {
    let mut shared = ClockedTable::new(1);
    assert_eq!(shared.ask(1), None);
    let most: Vec<_> = (0..5).map(|_| shared.ask(1)).collect();
    let newcomer = |shared: &mut ClockedTable, number| shared.permits.arrive(client(number));
    let same = newcomer(&mut shared, 1);
    assert_eq!(shared.permits.make_room(same), None, "a client does not make room for itself");
    let low = newcomer(&mut shared, 2).with(Priority::Low);
    assert_eq!(shared.permits.make_room(low), None);
    for last in [most[4], most[3]] {
        let other = newcomer(&mut shared, 2);
        assert_eq!(shared.permits.make_room(other), last, "the last one");
        shared.permits.enqueue(other, other);
    }
    let third = newcomer(&mut shared, 2);
    assert_eq!(shared.permits.make_room(third), None, "3 and 2 wait");
    let other = newcomer(&mut shared, 3);
    assert_eq!(shared.permits.make_room(other), most[2]);
    shared.permits.enqueue(other, other);
    let fourth = newcomer(&mut shared, 4);
    assert!(shared.permits.make_room(fourth).is_some(), "2, 2 and 1 wait");
    let fifth = newcomer(&mut shared, 5);
    shared.permits.enqueue(fourth, fourth);
    let waiting = shared.permits.waiting();
    while shared.permits.make_room(fifth).is_some() {}
    assert_eq!(shared.permits.waiting(), waiting - 1, "one of each stays");
}

/// Splitmix64: the same histories every time.
fn random(state: &mut u64, below: u64) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((z ^ (z >> 31)) % below).unwrap()
}

/// The rule in its plainest form: nothing is sorted, and nothing forgotten.
#[derive(Default)]
struct PlainQueue {
    waiting: Vec<Arrival>,
    not_before: BTreeMap<ClientAddress, Instant>,
}

impl PlainQueue {
    fn counts_as(&self, arrival: Arrival) -> (Option<Instant>, Arrival) {
        (arrival.since().max(self.not_before.get(&arrival.client()).copied()), arrival)
    }

    fn charge(&mut self, client: ClientAddress, cost: Duration, now: Instant) {
        let until = self.not_before.entry(client).or_insert(now);
        *until = ((*until).max(now) + cost).min(now + Duration::from_secs(10));
    }

    fn sharers(&self, with: ClientAddress) -> u32 {
        let clients: BTreeSet<_> = self.waiting.iter().map(|it| it.client()).chain([with]).collect();
        u32::try_from(clients.len()).unwrap()
    }
}

#[test]
fn on_random_histories_the_next_request_is_that_of_the_model_and_no_client_is_starved_s38h() {
    for seed in 0..100 {
        let mut state = seed;
        let each = 1 + u32::try_from(seed % 4).unwrap();
        let (mut shared, mut model) = (ClockedTable::new(each), PlainQueue::default());
        let mut held: Vec<(ClientAddress, Instant)> = Vec::new();
        let mut last_use: BTreeMap<ClientAddress, Instant> = BTreeMap::new();
        for _ in 0..1_000 {
            // Half of all requests are of one client, and hold their permits for longest.
            shared.pass(random(&mut state, 1_000) as u64);
            let now = shared.now;
            let number =
                if random(&mut state, 2) == 0 { 1 } else { u8::try_from(random(&mut state, 8)).unwrap() };
            match random(&mut state, 5) {
                0..=2 => match shared.ask(number) {
                    Some(arrival) => model.waiting.push(arrival),
                    None => held.push((client(number), now)),
                },
                3 if !model.waiting.is_empty() => {
                    let index = random(&mut state, model.waiting.len() as u64);
                    let leaves = model.waiting.swap_remove(index);
                    assert_eq!(shared.permits.cancel(leaves), Some(leaves));
                }
                _ if held.is_empty() => {}
                _ => {
                    let (client, since) = held.swap_remove(random(&mut state, held.len() as u64));
                    if !model.waiting.is_empty() {
                        let cost = (now - since) * model.sharers(client) / each;
                        model.charge(client, cost, now);
                        last_use.insert(client, now);
                    }
                    shared.permits.release(RunnerId::new(1), None);
                    shared.permits.charge(client, since, || now);
                    let next = shared.permits.next_grant(|| now).map(|grant| grant.waiter);
                    let expected = model.waiting.iter().copied().min_by_key(|it| model.counts_as(*it));
                    assert_eq!(next, expected, "seed {seed}");
                    let Some(next) = next else { continue };
                    for passed in model.waiting.iter().filter(|it| it.client() != next.client()) {
                        let latest = passed.since().max(last_use.get(&passed.client()).copied());
                        assert!(next.since() <= latest.map(|it| it + Duration::from_secs(10)), "seed {seed}");
                    }
                    model.waiting.retain(|it| *it != next);
                    model.charge(next.client(), Duration::from_millis(1), now);
                    last_use.insert(next.client(), now);
                    held.push((next.client(), now));
                }
            }
        }
    }
}
