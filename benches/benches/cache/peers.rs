//! Maps and caches of other projects. A value is borrowed where possible, and reference-counted
//! otherwise.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use foldhash::fast::RandomState;

use crate::names::{Names, chain, on_threads};

/// The reference: a plain, immutable map.
pub(crate) fn map(names: &Names, threads: usize) -> impl FnMut(u64) -> Duration {
    let map: HashMap<_, _, RandomState> = names.entries().collect();
    move |reads| {
        on_threads(threads, || {
            chain!(names, reads, |_index, name| map.get(name).map_or(0, String::len));
        })
    }
}

pub(crate) fn papaya(names: &Names, threads: usize) -> impl FnMut(u64) -> Duration {
    let map: papaya::HashMap<_, _, RandomState> = names.entries().collect();
    move |reads| {
        on_threads(threads, || {
            chain!(names, reads, |_index, name| map.pin().get(name).map_or(0, String::len));
        })
    }
}

pub(crate) fn rwlock(names: &Names, threads: usize) -> impl FnMut(u64) -> Duration {
    let map: HashMap<_, _, RandomState> = names.entries().collect();
    let map = RwLock::new(map);
    move |reads| {
        on_threads(threads, || {
            chain!(names, reads, |_index, name| {
                let map = map.read().unwrap_or_else(PoisonError::into_inner);
                map.get(name).map_or(0, String::len)
            });
        })
    }
}

pub(crate) fn dashmap(names: &Names, threads: usize) -> impl FnMut(u64) -> Duration {
    let map: dashmap::DashMap<_, _, RandomState> = names.entries().collect();
    move |reads| {
        on_threads(threads, || {
            chain!(names, reads, |_index, name| map.get(name).map_or(0, |value| value.len()));
        })
    }
}

pub(crate) fn quick_cache(names: &Names, threads: usize) -> impl FnMut(u64) -> Duration {
    let cache = quick_cache::sync::Cache::<String, Arc<str>>::new(10_000);
    names.entries().for_each(|(name, value)| cache.insert(name, value.into()));
    move |reads| {
        on_threads(threads, || {
            chain!(names, reads, |_index, name| cache.get(name).map_or(0, |value| value.len()));
        })
    }
}

/// With expiry, moka tracks ages as `secret-cache` does.
pub(crate) fn moka(
    names: &Names,
    threads: usize,
    expiry: Option<Duration>,
) -> impl FnMut(u64) -> Duration {
    let builder = moka::sync::Cache::<String, Arc<str>>::builder().max_capacity(10_000);
    let builder = match expiry {
        Some(expiry) => builder.time_to_live(expiry),
        None => builder,
    };
    let cache = builder.build();
    names.entries().for_each(|(name, value)| cache.insert(name, value.into()));
    move |reads| {
        on_threads(threads, || {
            chain!(names, reads, |_index, name| cache.get(name).map_or(0, |value| value.len()));
        })
    }
}
