//! All interleavings of readers, writers, loads and the refresher on one key, explored with loom.
//!
//! The tests run the code of this crate with loom's locks and atomics (`map/sync.rs`). Tasks are
//! not part of this: a load is a number, and completes when a thread completes it.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::SeqCst;
use loom::thread;

use crate::load_error::LoadErrorKind;
use crate::loaded::Loaded;
use crate::map::clock;
use crate::policy::{Policy, Tick};
use crate::state::complete::Completion;
use crate::state::in_flight::PendingLoad;
use crate::state::inner::Limits;
use crate::state::outcome::{LoadOutcome, LoadReason};
use crate::state::refresh::{RefreshRequest, RefreshStep};
use crate::state::{Availability, State, Step};
use crate::value_ref::Ref;
use crate::version::Version;

/// A load, identified by its number.
struct Numbered(u32);

impl PendingLoad for Numbered {
    type Waiter = u32;

    fn waiter(&self) -> u32 {
        self.0
    }

    fn is_lost(&self) -> bool {
        false
    }

    fn is_slow(&self, _: Tick) -> bool {
        false
    }
}

type Cache = State<u32, u64, (), Numbered>;

/// A cache whose values are fresh for an hour and are read without the clock.
fn cache(max_entries: usize) -> Arc<Cache> {
    Arc::new(state(max_entries))
}

fn state<K: Hash + Eq + Clone>(max_entries: usize) -> State<K, u64, (), Numbered> {
    let hour = Duration::from_secs(3_600);
    let limits = Limits { entries: max_entries, bytes: usize::MAX, weigh: |_, _| 0 };
    let state = State::new(Policy::new(hour, hour, Duration::ZERO), limits, 9);
    state.set_hits_skip_clock(true);
    state.scan(clock::now());
    state
}

/// A value that equals its version.
fn version(number: u64) -> Loaded<u64> {
    Loaded::versioned(number, Version::new(number))
}

fn replace(cache: &Cache, key: u32, number: u64) -> bool {
    cache.replace(key, version(number), clock::now(), 0).0
}

/// Starts load `load` of a key or joins the one in flight. Returns the number of the load in
/// flight, or `None` if the read needs no load.
fn start(cache: &Cache, key: u32, load: u32) -> Option<u32> {
    match cache.get_or_load(&key, clock::now(), |_| Some(Numbered(load))) {
        Step::Wait(waiter, _) => Some(waiter),
        Step::Done(_) => None,
    }
}

/// Completes a load, and returns whether its outcome was applied.
fn complete(cache: &Cache, key: u32, load: u32, number: u64) -> bool {
    let outcome = LoadOutcome::Loaded(version(number));
    cache.complete(&key, &load, completion(outcome, LoadReason::Miss)).is_some()
}

fn completion(outcome: LoadOutcome<u64, ()>, reason: LoadReason) -> Completion<u64, ()> {
    let now = clock::now();
    Completion { outcome, reason, loaded_at: now, now, jitter: 0 }
}

/// Reads a key from memory, as `get` does.
fn read(cache: &Cache, key: u32) -> Option<u64> {
    let hit = Ref::hit(cache.entries.find(&key), |_| true);
    let value = hit.map_or_else(
        |found| match cache.check(found) {
            Availability::Servable { value, .. } => Some(value),
            Availability::Overdue { .. } | Availability::Missing => None,
        },
        Some,
    );
    let value = value.or_else(|| match cache.get_or_load(&key, clock::now(), |_| None) {
        Step::Done(result) => result.ok(),
        Step::Wait(..) => None,
    })?;
    assert_eq!(*value, value.version().number(), "a value of another version");
    Some(*value)
}

/// Returns whether a key is served without the clock and the lock.
fn hits<K: Hash + Eq + Clone>(cache: &State<K, u64, (), Numbered>, key: &K) -> bool {
    Ref::hit(cache.entries.find(key), |_| true).is_ok()
}

/// Runs `body` on a thread of its own.
fn spawn<C, T>(cache: &Arc<C>, body: impl FnOnce(&C) -> T + Send + 'static) -> thread::JoinHandle<T>
where
    C: Send + Sync + 'static,
    T: Send + 'static,
{
    let cache = Arc::clone(cache);
    thread::spawn(move || body(&cache))
}

fn all_interleavings(body: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(body);
}

#[test]
fn reader_during_a_write_sees_versions_in_order() {
    all_interleavings(|| {
        let cache = cache(1);
        replace(&cache, 1, 1);
        let writer = spawn(&cache, |cache| {
            assert!(replace(cache, 1, 2));
            assert_eq!(read(cache, 1), Some(2), "a writer sees its own write");
        });
        let (first, second) = (read(&cache, 1).unwrap(), read(&cache, 1).unwrap());
        assert!((1..=2).contains(&first) && first <= second);
        writer.join().unwrap();
        assert!(!replace(&cache, 1, 1));
        assert_eq!(read(&cache, 1), Some(2));
    });
}

#[test]
fn load_during_an_invalidation_is_not_applied() {
    all_interleavings(|| {
        let cache = cache(1);
        assert_eq!(start(&cache, 1, 7), Some(7));
        let loader = spawn(
            &cache,
            // The source has no order: the load returns a higher number, which was read before the
            // write.
            |cache| complete(cache, 1, 7, 9),
        );
        cache.invalidate(&1, clock::now());
        assert_eq!(read(&cache, 1), None, "the load began before the invalidation");
        loader.join().unwrap();
        assert_eq!(read(&cache, 1), None);
    });
}

#[test]
fn load_during_a_write_does_not_replace_the_written_value() {
    all_interleavings(|| {
        let cache = cache(1);
        assert_eq!(start(&cache, 1, 7), Some(7));
        let loader = spawn(&cache, |cache| complete(cache, 1, 7, 1));
        let writer = spawn(&cache, |cache| assert!(replace(cache, 1, 2)));
        let (first, second) = (read(&cache, 1), read(&cache, 1));
        assert!(first <= second, "{first:?} before {second:?}");
        loader.join().unwrap();
        writer.join().unwrap();
        assert_eq!(read(&cache, 1), Some(2));
    });
}

#[test]
fn superseded_load_does_not_replace_the_next_one() {
    all_interleavings(|| {
        let cache = cache(1);
        assert_eq!(start(&cache, 1, 7), Some(7));
        let loader = spawn(&cache, |cache| complete(cache, 1, 7, 9));
        cache.invalidate(&1, clock::now());
        let next = start(&cache, 1, 8).expect("there is no entry and no load in flight");
        assert_eq!((next, read(&cache, 1)), (8, None));
        assert!(complete(&cache, 1, 8, 1), "the next load is applied");
        loader.join().unwrap();
        assert_eq!(read(&cache, 1), Some(1));
    });
}

/// Makes one step of a forced refresh, whose load would be `load`. Returns the load to join, if
/// it need not wait for an earlier one.
fn refresh(cache: &Cache, request: &mut RefreshRequest<u32>, load: u32) -> Option<u32> {
    match cache.refresh(&1, request, clock::now(), |_| Some(Numbered(load))) {
        RefreshStep::Join(waiter) => Some(waiter),
        RefreshStep::WaitFor(waiter) => {
            request.has_waited_for(waiter);
            None
        }
        RefreshStep::Done(_) => panic!("there is always a load"),
    }
}

/// A refresh joins a load that is queued, and follows one that has begun. Its result is never older
/// than its request.
#[test]
fn refresh_during_a_load_has_a_value_that_was_read_after_its_request() {
    all_interleavings(|| {
        let cache = cache(1);
        assert_eq!(start(&cache, 1, 7), Some(7));
        let source = Arc::new(AtomicU64::new(1));
        let at_source = Arc::clone(&source);
        let loader = spawn(&cache, move |cache| {
            assert!(cache.confirm_start(&1, &7, LoadReason::Miss, clock::now()).is_ok());
            assert!(complete(cache, 1, 7, at_source.load(SeqCst)));
        });
        source.store(2, SeqCst);
        let mut request = RefreshRequest::new(None);
        let joined = refresh(&cache, &mut request, 8);
        loader.join().unwrap();
        match joined {
            Some(7) => {}
            Some(8) => assert!(complete(&cache, 1, 8, 2), "the first load has ended"),
            None => {
                let joined = refresh(&cache, &mut request, 8);
                assert_eq!((joined, complete(&cache, 1, 8, 2)), (Some(8), true));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(read(&cache, 1), Some(2));
    });
}

#[test]
fn concurrent_misses_share_one_load() {
    all_interleavings(|| {
        let cache = cache(1);
        let other = spawn(&cache, |cache| start(cache, 1, 1).unwrap());
        let mine = start(&cache, 1, 2).unwrap();
        assert_eq!(other.join().unwrap(), mine, "one load for both");
        assert!(complete(&cache, 1, mine, 1));
        assert!(!complete(&cache, 1, 3 - mine, 2), "the other load was never started");
        assert_eq!((start(&cache, 1, 3), read(&cache, 1)), (None, Some(1)));
    });
}

#[test]
fn reader_during_an_eviction_sees_the_value_or_nothing() {
    all_interleavings(|| {
        let cache = cache(1);
        replace(&cache, 1, 1);
        let writer = spawn(&cache, |cache| replace(cache, 2, 5));
        assert!(matches!(read(&cache, 1), None | Some(1)));
        assert!(matches!(read(&cache, 2), None | Some(5)));
        writer.join().unwrap();
        assert_eq!((read(&cache, 1), read(&cache, 2)), (None, Some(5)));
    });
}

/// The reader sets the accessed flag again each time the eviction has cleared it.
#[test]
fn reader_of_a_hot_key_does_not_prevent_its_eviction() {
    all_interleavings(|| {
        let cache = cache(1);
        replace(&cache, 1, 1);
        assert_eq!(read(&cache, 1), Some(1));
        let reader = spawn(&cache, |cache| {
            for _ in 0..3 {
                read_if_present(cache, 1);
            }
        });
        assert!(replace(&cache, 2, 5));
        assert_eq!(cache.lock().len(), 1);
        reader.join().unwrap();
        assert_eq!(read(&cache, 2), Some(5));
    });
}

fn read_if_present(cache: &Cache, key: u32) {
    assert!(matches!(read(cache, key), None | Some(1)));
}

/// A key that collides with every other, so that the removal of one entry moves the others.
#[derive(Clone, PartialEq, Eq)]
struct Colliding(u32);

impl Hash for Colliding {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// Runs `visit` on a cache with two adjacent entries that are in use, while another thread removes
/// the first one.
fn during_the_removal_of_a_neighbour(visit: impl Fn(&State<Colliding, u64, (), Numbered>)) {
    let cache = Arc::new(state(10));
    for key in [1, 2] {
        assert!(cache.replace(Colliding(key), version(4), clock::now(), 0).0);
        assert!(matches!(
            cache.check(cache.entries.find(&Colliding(key))),
            Availability::Servable { .. }
        ));
    }
    assert!(hits(&cache, &Colliding(2)));
    let remover = spawn(&cache, |cache| drop(cache.invalidate(&Colliding(1), clock::now())));
    visit(&cache);
    remover.join().unwrap();
    assert!(!hits(&cache, &Colliding(2)), "the moved entry was missed");
}

#[test]
fn moved_entry_requires_the_clock_after_the_refresher_has_ended() {
    all_interleavings(|| {
        during_the_removal_of_a_neighbour(|cache| cache.set_hits_skip_clock(false));
    });
}

/// Its readers check the clock from then on, and the refresher wakes up for it.
#[test]
fn moved_entry_is_found_by_a_scan() {
    all_interleavings(|| {
        during_the_removal_of_a_neighbour(|cache| {
            let past_the_interval = clock::now() + 4_000_000_000_000;
            cache.scan(past_the_interval);
            assert!(cache.next_wakeup() < Tick::MAX, "no wakeup is scheduled");
        });
    });
}

/// The removal of an entry moves those after it. A reader that misses one finds it under the lock.
#[test]
fn reader_finds_an_entry_that_is_moved() {
    all_interleavings(|| {
        let cache = cache(2);
        assert!(replace(&cache, 1, 4) && replace(&cache, 2, 4));
        let remover = spawn(&cache, |cache| drop(cache.invalidate(&1, clock::now())));
        assert_eq!(read(&cache, 2), Some(4));
        remover.join().unwrap();
        assert_eq!((read(&cache, 1), read(&cache, 2)), (None, Some(4)));
    });
}

#[test]
fn accessed_flag_survives_the_end_of_the_refresher() {
    all_interleavings(|| {
        let cache = cache(1);
        replace(&cache, 1, 1);
        let refresher = spawn(&cache, |cache| {
            cache.set_hits_skip_clock(false);
            cache.scan(clock::now());
        });
        assert_eq!(read(&cache, 1), Some(1));
        refresher.join().unwrap();
        assert!(!hits(&cache, &1), "a hit without the clock after the refresher has ended");
        let is_accessed =
            cache.entries.find(&1).is_some_and(|guard| guard.get().unwrap().flags().is_accessed());
        assert!(is_accessed, "the accessed flag is lost");
    });
}

#[test]
fn reader_during_a_negative_response_sees_no_value() {
    all_interleavings(|| {
        let cache = cache(1);
        replace(&cache, 1, 1);
        cache.invalidate(&1, clock::now());
        assert_eq!(start(&cache, 1, 7), Some(7));
        let loader = spawn(&cache, |cache| {
            let outcome = LoadOutcome::Failed(Arc::new(()), LoadErrorKind::Denied);
            let completion = completion(outcome, LoadReason::Refresh);
            assert!(cache.complete(&1, &7, completion).is_some());
            assert_eq!(read(cache, 1), None);
        });
        assert_eq!(read(&cache, 1), None);
        loader.join().unwrap();
        assert_eq!(start(&cache, 1, 8), Some(8));
        assert!(complete(&cache, 1, 8, 1));
        assert_eq!(read(&cache, 1), Some(1));
    });
}
