//! What is told to the `metrics` facade. A hit costs a count of the thread's own; all the rest happens
//! where something else is dear already.

use std::cell::Cell;

use metrics::{Key, Label, Level, Metadata, counter, with_recorder};

use crate::Outcome;
use crate::landing::{Cause, Report};

/// Hits are told by the thousand: whichever cache is asked after a thread's thousandth gets them all.
const BATCH: u32 = 1024;

thread_local! {
    static HITS: Cell<u32> = const { Cell::new(0) };
}

static METADATA: Metadata<'_> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// The label of a cache's counters.
#[derive(Debug)]
pub(crate) struct Events {
    cache: &'static str,
    /// Made once: the macro would allocate, and a hit doesn't, not even the thousandth.
    hits: Key,
}

impl Events {
    pub(crate) fn new(cache: &'static str) -> Self {
        let labels = vec![Label::from_static_parts("cache", cache)];
        Self { cache, hits: Key::from_parts("secret_cache_hits_total", labels) }
    }

    /// Counts a hit.
    #[inline(always)]
    pub(crate) fn hit() {
        HITS.set(HITS.get().wrapping_add(1));
    }

    /// Tells the hits that were counted, if they are many. This may be foreign code, so it comes before
    /// a value is lent: a loan that foreign code could unwind through would have to stand in memory.
    #[inline(always)]
    pub(crate) fn tell_many(&self) {
        if HITS.get() >= BATCH {
            self.tell_hits();
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_hits(&self) {
        let count = u64::from(HITS.replace(0));
        let counter = |recorder: &dyn metrics::Recorder| {
            recorder.register_counter(&self.hits, &METADATA).increment(count);
        };
        with_recorder(counter);
    }

    pub(crate) fn miss(&self) {
        counter!("secret_cache_misses_total", "cache" => self.cache).increment(1);
    }

    pub(crate) fn stale(&self) {
        counter!("secret_cache_stale_served_total", "cache" => self.cache).increment(1);
    }

    pub(crate) fn evicted(&self, count: u64) {
        if count > 0 {
            counter!("secret_cache_evictions_total", "cache" => self.cache).increment(count);
        }
    }

    pub(crate) fn load<V, E>(&self, cause: Cause, report: &Report<V, E>) {
        let name = match cause {
            Cause::Miss => "secret_cache_loads_total",
            Cause::Refresh => "secret_cache_refreshes_total",
        };
        counter!(name, "cache" => self.cache).increment(1);
        let why = match report {
            Report::Loaded(_) => return,
            Report::Failed(_, Outcome::Unreachable) => "unreachable",
            Report::Failed(_, Outcome::Absent) => "absent",
            Report::Failed(_, Outcome::Refused) => "refused",
            Report::Panicked => "panicked",
        };
        counter!("secret_cache_failures_total", "cache" => self.cache, "why" => why).increment(1);
    }
}
