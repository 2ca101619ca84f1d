//! Every order in which readers, writers, loads and the timer can meet on one key, tried by `loom`.
//!
//! The cache's own files are compiled here once more, with `loom`'s locks and atomics in the place of
//! the standard library's (`sync`). Its cell is a lock: what `arc-swap` does inside is that crate's to
//! test. Tasks are not part of this: a load is a number, and lands when a thread says so.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use loom::thread;

use crate::load::{LoadErrorKind, Loaded};
use crate::map::clock;
use crate::policy::{Policy, Tick};
use crate::state::complete::Arrival;
use crate::state::inner::Bounds;
use crate::state::outcome::{Cause, Report};
use crate::state::{Flying, Look, State, Step};
use crate::value_ref::Ref;
use crate::version::Version;

/// A load: its number.
struct Flight(u32);

impl Flying for Flight {
    type Ticket = u32;

    fn ticket(&self) -> u32 {
        self.0
    }

    fn is_lost(&self) -> bool {
        false
    }

    fn is_slow(&self, _: Tick) -> bool {
        false
    }
}

type Cache = State<u32, u64, (), Flight>;

/// A cache of so many keys, whose values are trusted and live for an hour.
fn cache(entries: usize) -> Arc<Cache> {
    Arc::new(state(entries))
}

fn state<K: Hash + Eq + Clone>(entries: usize) -> State<K, u64, (), Flight> {
    let hour = Duration::from_secs(3_600);
    let bounds = Bounds { entries, bytes: usize::MAX, weigh: |_, _| 0 };
    let state = State::new(Policy::new(hour, hour, Duration::ZERO), bounds, 9);
    state.trust(true);
    state.scan(clock::now());
    state
}

/// A value says what version it is of.
fn version(number: u64) -> Loaded<u64> {
    Loaded::versioned(number, Version::new(number))
}

fn replace(cache: &Cache, key: u32, number: u64) -> bool {
    cache.replace(&key, version(number), clock::now(), 0).0
}

/// Begins load `flight` of a key, unless one is under way or memory answers.
fn begin(cache: &Cache, key: u32, flight: u32) -> Option<u32> {
    match cache.step(&key, clock::now(), |_| Some(Flight(flight))) {
        Step::Wait(ticket, _) => Some(ticket),
        Step::Done(_) => None,
    }
}

/// Lands it; whether it counted.
fn land(cache: &Cache, key: u32, flight: u32, number: u64) -> bool {
    let now = clock::now();
    let report = Report::Loaded(version(number));
    cache
        .land(&key, &flight, Arrival { report, cause: Cause::Miss, began: now, now, lot: 0 })
        .is_some()
}

/// What a reader gets from memory, by the way that all readers go.
fn read(cache: &Cache, key: u32) -> Option<u64> {
    let hit = Ref::plain(cache.values.find(&key), |_| true);
    let lent = hit.map_or_else(
        |found| match cache.look(found) {
            Look::Served(lent, _) => Some(lent),
            Look::Overdue(..) | Look::Nothing => None,
        },
        Some,
    );
    let lent = lent.or_else(|| match cache.step(&key, clock::now(), |_| None) {
        Step::Done(answer) => answer.ok(),
        Step::Wait(..) => None,
    })?;
    assert_eq!(*lent, lent.version().number(), "a value of another version");
    Some(*lent)
}

/// Whether the value of a key is served without the clock and the lock.
fn hits<K: Hash + Eq + Clone>(cache: &State<K, u64, (), Flight>, key: &K) -> bool {
    Ref::plain(cache.values.find(key), |_| true).is_ok()
}

fn every_order(body: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(body);
}

#[test]
fn a_reader_meets_two_writes() {
    every_order(|| {
        let cache = cache(1);
        replace(&cache, 1, 1);
        let writer = thread::spawn({
            let cache = Arc::clone(&cache);
            move || {
                assert!(replace(&cache, 1, 2));
                assert_eq!(read(&cache, 1), Some(2), "a writer sees its own write");
            }
        });
        let (first, second) = (read(&cache, 1).unwrap(), read(&cache, 1).unwrap());
        assert!((1..=2).contains(&first) && first <= second);
        writer.join().unwrap();
        assert!(!replace(&cache, 1, 1));
        assert_eq!(read(&cache, 1), Some(2));
    });
}

#[test]
fn a_load_meets_a_write() {
    every_order(|| {
        let cache = cache(1);
        assert_eq!(begin(&cache, 1, 7), Some(7));
        let loads = thread::spawn({
            let cache = Arc::clone(&cache);
            // A source without order: the load brings a higher number, read before the write.
            move || land(&cache, 1, 7, 9)
        });
        cache.invalidate(&1, clock::now());
        assert_eq!(read(&cache, 1), None, "what began before the write is back");
        loads.join().unwrap();
        assert_eq!(read(&cache, 1), None);
    });
}

#[test]
fn a_load_meets_a_write_and_a_reader() {
    every_order(|| {
        let cache = cache(1);
        assert_eq!(begin(&cache, 1, 7), Some(7));
        let loads = thread::spawn({
            let cache = Arc::clone(&cache);
            move || land(&cache, 1, 7, 1)
        });
        let writes = thread::spawn({
            let cache = Arc::clone(&cache);
            move || assert!(replace(&cache, 1, 2))
        });
        let (first, second) = (read(&cache, 1), read(&cache, 1));
        assert!(first <= second, "{first:?} before {second:?}");
        loads.join().unwrap();
        writes.join().unwrap();
        assert_eq!(read(&cache, 1), Some(2));
    });
}

#[test]
fn a_load_that_was_superseded_meets_the_next_one() {
    every_order(|| {
        let cache = cache(1);
        assert_eq!(begin(&cache, 1, 7), Some(7));
        let loads = thread::spawn({
            let cache = Arc::clone(&cache);
            move || land(&cache, 1, 7, 9)
        });
        cache.invalidate(&1, clock::now());
        let next = begin(&cache, 1, 8).expect("nothing is held, and nothing is under way");
        assert_eq!((next, read(&cache, 1)), (8, None));
        assert!(land(&cache, 1, 8, 1), "the next one counts");
        loads.join().unwrap();
        assert_eq!(read(&cache, 1), Some(1));
    });
}

#[test]
fn two_misses_meet() {
    every_order(|| {
        let cache = cache(1);
        let other = thread::spawn({
            let cache = Arc::clone(&cache);
            move || begin(&cache, 1, 1).unwrap()
        });
        let mine = begin(&cache, 1, 2).unwrap();
        assert_eq!(other.join().unwrap(), mine, "one load for both");
        assert!(land(&cache, 1, mine, 1));
        assert!(!land(&cache, 1, 3 - mine, 2), "the other was never begun");
        assert_eq!((begin(&cache, 1, 3), read(&cache, 1)), (None, Some(1)));
    });
}

#[test]
fn a_reader_meets_an_eviction() {
    every_order(|| {
        let cache = cache(1);
        replace(&cache, 1, 1);
        let evicts = thread::spawn({
            let cache = Arc::clone(&cache);
            move || replace(&cache, 2, 5)
        });
        assert!(matches!(read(&cache, 1), None | Some(1)));
        assert!(matches!(read(&cache, 2), None | Some(5)));
        evicts.join().unwrap();
        assert_eq!((read(&cache, 1), read(&cache, 2)), (None, Some(5)));
    });
}

/// A reader that marks its value again each time the hand of the clock has passed keeps nothing from
/// being evicted: there is always room for what comes next.
#[test]
fn hot_reader_does_not_keep_an_eviction_from_making_room() {
    every_order(|| {
        let cache = cache(1);
        replace(&cache, 1, 1);
        assert_eq!(read(&cache, 1), Some(1));
        let reader = thread::spawn({
            let cache = Arc::clone(&cache);
            move || {
                for _ in 0..3 {
                    read_if_there(&cache, 1);
                }
            }
        });
        assert!(replace(&cache, 2, 5));
        assert_eq!(cache.table().len(), 1);
        reader.join().unwrap();
        assert_eq!(read(&cache, 2), Some(5));
    });
}

fn read_if_there(cache: &Cache, key: u32) {
    assert!(matches!(read(cache, key), None | Some(1)));
}

/// A key that collides with every other, so that the removal of one moves the others.
#[derive(Clone, PartialEq, Eq)]
struct Colliding(u32);

impl Hash for Colliding {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// A cache whose values 1 and 2 are in use, and beside each other. Another thread removes the first.
fn while_a_neighbour_is_removed(visit: impl Fn(&State<Colliding, u64, (), Flight>)) {
    let cache = Arc::new(state(10));
    for key in [1, 2] {
        assert!(cache.replace(&Colliding(key), version(4), clock::now(), 0).0);
        assert!(matches!(cache.look(cache.values.find(&Colliding(key))), Look::Served(..)));
    }
    assert!(hits(&cache, &Colliding(2)));
    let removes = thread::spawn({
        let cache = Arc::clone(&cache);
        move || drop(cache.invalidate(&Colliding(1), clock::now()))
    });
    visit(&cache);
    removes.join().unwrap();
    assert!(!hits(&cache, &Colliding(2)), "a value that was moved was missed");
}

/// When the timer is gone, every value loses its trust, also one that is being moved.
#[test]
fn value_that_is_moved_loses_trust_with_the_timer() {
    every_order(|| while_a_neighbour_is_removed(|cache| cache.trust(false)));
}

/// The timer's visit finds every value, also one that is being moved: its readers ask the clock, and
/// the timer comes back for it.
#[test]
fn value_that_is_moved_is_found_by_the_timer() {
    every_order(|| {
        while_a_neighbour_is_removed(|cache| {
            let past_the_interval = clock::now() + 4_000_000_000_000;
            cache.scan(past_the_interval);
            assert!(cache.sleep() < Tick::MAX, "nobody comes back for it");
        });
    });
}

/// An entry is moved when one before it goes: a reader that misses it finds it under the lock.
#[test]
fn a_reader_meets_a_removal_beside_its_key() {
    every_order(|| {
        let cache = cache(2);
        assert!(replace(&cache, 1, 4) && replace(&cache, 2, 4));
        let removes = thread::spawn({
            let cache = Arc::clone(&cache);
            move || drop(cache.invalidate(&1, clock::now()))
        });
        assert_eq!(read(&cache, 2), Some(4));
        removes.join().unwrap();
        assert_eq!((read(&cache, 1), read(&cache, 2)), (None, Some(4)));
    });
}

#[test]
fn a_reader_meets_the_timer() {
    every_order(|| {
        let cache = cache(1);
        replace(&cache, 1, 1);
        let timer = thread::spawn({
            let cache = Arc::clone(&cache);
            move || {
                cache.trust(false);
                cache.scan(clock::now());
            }
        });
        assert_eq!(read(&cache, 1), Some(1));
        timer.join().unwrap();
        assert!(!hits(&cache, &1), "no hit without the clock once the timer is gone");
        let seen =
            cache.values.find(&1).is_some_and(|guard| guard.get().unwrap().marks().is_seen());
        assert!(seen, "the reader's mark is not lost");
    });
}

#[test]
fn a_refresh_meets_a_refusal_and_a_reader() {
    every_order(|| {
        let cache = cache(1);
        replace(&cache, 1, 1);
        cache.invalidate(&1, clock::now());
        assert_eq!(begin(&cache, 1, 7), Some(7));
        let refuses = thread::spawn({
            let cache = Arc::clone(&cache);
            move || {
                let now = clock::now();
                let report = Report::Failed(Arc::new(()), LoadErrorKind::Denied);
                let arrival = Arrival { report, cause: Cause::Refresh, began: now, now, lot: 0 };
                assert!(cache.land(&1, &7, arrival).is_some());
                assert_eq!(read(&cache, 1), None);
            }
        });
        assert_eq!(read(&cache, 1), None);
        refuses.join().unwrap();
        assert_eq!(begin(&cache, 1, 8), Some(8));
        assert!(land(&cache, 1, 8, 1));
        assert_eq!(read(&cache, 1), Some(1));
    });
}
