//! The comparisons of the cache.

use super::comparison::{Comparison, Target};

pub(crate) const HIT: Comparison = Comparison {
    group: "cache_hit",
    what: "a value in memory, 1,000 names",
    reference: "a plain `&HashMap`",
    contenders: HITS,
    targets: &[
        ("secret-cache", Target::Ratio(1.15)),
        ("secret-cache-handle", Target::Ratio(0.6)),
        ("km-proxy-adapter", Target::Ratio(1.6)),
    ],
    how: "One thread looks up names of 40 bytes, in random order, and each name is chosen with the length of
the value before it: a program uses what it looked up before it looks up the next. All hash with
foldhash where they can. A value of 51 bytes is borrowed where that is possible and its reference
counted where it is not. `secret-cache` checks freshness, and its future is awaited; of the others
only the last moka knows an age.

How it is done: values stand in one open-addressed array of `arc-swap` cells, searched by sixteen bits
of the hash. A reader writes to its own thread's hazard slot and to nothing that others read; the key
and the mark that says *fresh* stand beside the value, so what one look-up protects is all that is
read. No clock: a timer takes the mark away in time. What it costs in code: the array (`level.rs`,
`values.rs`), the timer, and a hand-written future. What is left above the plain map are the two
locked instructions of `arc-swap`, one to protect the value and one to let it go; without `unsafe` in
this workspace they can't be spared. They are about 11 ns on the machine that this was written on, of
which a look-up by name hides most behind its hashing; by a handle they are nearly all there is, which is
why that misses its target by a little.

The adapter's rows are the whole way of a gateway: a name in, a secret out, with the access mode, the
hosted keys and the field settled when it was loaded (ADR 0014).",
};

pub(crate) const HOT: Comparison = Comparison {
    group: "cache_hot",
    what: "one hot name, 2 threads",
    reference: "a plain `&HashMap`",
    contenders: HITS,
    targets: &[("secret-cache", Target::Ratio(1.35))],
    how: "The same with one name and two threads that read it at the same time; what counts is the CPU time of
one look-up on one thread. Who writes to anything shared, a lock or a reference count, pays for it
here; less where the processors have other work and the two threads seldom meet.",
};

pub(crate) const FILL: Comparison = Comparison {
    group: "cache_fill",
    what: "filling, 100,000 names one by one",
    reference: "a `HashMap`",
    contenders: &[
        ("papaya", "papaya"),
        ("quick_cache", "quick_cache"),
        ("moka", "moka"),
        ("secret-cache", "`secret-cache`"),
        ("secret-cache-tenth", "`secret-cache`, ten times 10,000 names"),
    ],
    targets: &[],
    how: "Names and values are made before; each name is put in by itself. `secret-cache` takes its lock, asks
for the time, compares versions, and draws a lot for each. That it is linear shows in its two rows:
ten caches of 10,000 names cost about what one of 100,000 does, but for what the processor's caches
make of it.",
};

pub(crate) const HERD: Comparison = Comparison {
    group: "cache_herd",
    what: "1,000 misses on one name at once",
    reference: "quick_cache, `get_or_insert_async`",
    contenders: &[("moka", "moka, `try_get_with`"), ("secret-cache", "`secret-cache`")],
    targets: &[("secret-cache", Target::Nanos(1_500_000.0))],
    how: "A thousand tasks on one thread ask for a name that nobody has asked for; the loader gives way once,
so that all of them come to wait. Spawning and ending the tasks is in the figure. One load, as the
tests of the crate show.",
};

const HITS: &[(&str, &str)] = &[
    ("papaya", "papaya, pinned for each look-up"),
    ("rwlock", "`RwLock<HashMap>`"),
    ("dashmap", "dashmap"),
    ("quick_cache", "quick_cache"),
    ("moka", "moka"),
    ("moka-expiry", "moka, values expire"),
    ("secret-cache", "`secret-cache`, `get(name).await`"),
    ("secret-cache-handle", "`secret-cache`, `handle.get().await`"),
    ("secret-cache-cached", "`secret-cache`, `cached(name)`, no future"),
    ("secret-cache-handle-cached", "`secret-cache`, `handle.cached()`, no future"),
    ("km-proxy-adapter", "`km-proxy-adapter`, `keys.secret(name).await`"),
    ("km-proxy-adapter-handle", "`km-proxy-adapter`, `handle.secret().await`"),
];
