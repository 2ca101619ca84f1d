//! Metrics of a cache, for the `metrics` facade.

mod hit_counter;

use std::sync::Arc;

use metrics::{Key, Label, Level, Metadata, counter, with_recorder};
use tokio::sync::Notify;

use crate::load::LoadErrorKind;
use crate::metrics::hit_counter::Hits;
use crate::policy::Tick;
use crate::state::outcome::{Cause, Report};

/// How long after the first hit they are reported, in nanoseconds: half of the second within which
/// they must be visible.
const REPORT_INTERVAL: u64 = 500_000_000;

static METADATA: Metadata<'_> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// The counters of a cache, and the label that they have in common.
pub(crate) struct Events {
    cache: &'static str,
    pub(crate) hits: Hits,
    /// Made once, because the macro would allocate.
    hits_key: Key,
}

impl Events {
    /// `wake` is the timer's: it reports hits while there are any.
    pub(crate) fn new(cache: &'static str, wake: Arc<Notify>) -> Self {
        let labels = vec![Label::from_static_parts("cache", cache)];
        let hits_key = Key::from_parts("secret_cache_hits_total", labels);
        Self { cache, hits: Hits::new(wake), hits_key }
    }

    /// Reports hits if it is time to; `at` is when that was to be, [`Tick::MAX`] for never. Returns
    /// when to report next. A cache that nobody reads wakes nobody.
    pub(crate) fn report_hits_by(&self, at: Tick, now: Tick) -> Tick {
        if now < at {
            let is_due = at == Tick::MAX && self.hits.is_awake();
            return if is_due { now.saturating_add(REPORT_INTERVAL) } else { at };
        }
        if self.report_hits() > 0 {
            return now.saturating_add(REPORT_INTERVAL);
        }
        self.hits.rest();
        // A thread may have counted one just before.
        self.report_hits();
        Tick::MAX
    }

    /// Reports the hits that have not been reported yet, and returns how many those were.
    pub(crate) fn report_hits(&self) -> u64 {
        let count = self.hits.take();
        if count > 0 {
            with_recorder(|recorder| {
                recorder.register_counter(&self.hits_key, &METADATA).increment(count);
            });
        }
        count
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
            Cause::Refresh | Cause::Probe => "secret_cache_refreshes_total",
        };
        counter!(name, "cache" => self.cache).increment(1);
        let why = match report {
            Report::Loaded(_) => return,
            Report::Failed(_, LoadErrorKind::Unavailable) => "unreachable",
            Report::Failed(_, LoadErrorKind::Unauthenticated) => "unauthenticated",
            Report::Failed(_, LoadErrorKind::NotFound) => "absent",
            Report::Failed(_, LoadErrorKind::Denied) => "refused",
            Report::Panicked => "panicked",
        };
        counter!("secret_cache_failures_total", "cache" => self.cache, "why" => why).increment(1);
    }
}

/// The last hits are reported too.
impl Drop for Events {
    fn drop(&mut self) {
        self.report_hits();
    }
}
