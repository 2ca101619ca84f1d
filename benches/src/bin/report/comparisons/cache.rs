//! The cache.

use crate::comparison::Comparison;
use crate::target::Target;

pub(super) const HIT: Comparison = Comparison {
    group: "cache_hit",
    what: "cached value, 1,000 names",
    reference: "a plain `&HashMap`",
    contenders: HITS,
    targets: &[
        ("secret-cache", Target::Ratio(1.15)),
        ("secret-cache-handle", Target::Ratio(0.6)),
        ("km-proxy-adapter", Target::Ratio(1.35)),
    ],
    method: "One thread looks up names of 40 bytes in random order. Each name depends on the length of the
previous value, because a program uses a value before it looks up the next. All contenders hash with
foldhash where they can. A value of 51 bytes is borrowed where that is possible, and reference-counted
otherwise. `secret-cache` checks freshness, and its future is awaited; of the others only the last moka
tracks an age.

Values are stored in one open-addressed array of `arc-swap` cells, searched by 16 bits of the hash. A
reader writes to its own thread's hazard slot and to no memory that other threads read. The key and the
flag for freshness are stored beside the value, so that one protected pointer covers all that is read. No
clock is read: a timer clears the flag in time. The cost that remains above the plain map is two locked
instructions of `arc-swap`, one to protect the value and one to release it. They cannot be avoided without
`unsafe` code, which this workspace forbids. They cost about 11 ns on the machine that this was written
on. A look-up by name hides most of that behind its hashing; for a handle it is nearly the whole cost,
which is why the handle misses its target by a little.

The rows of the adapter are the whole path of a gateway, from a name to a secret: access mode, hosted keys
and field were checked when the value was loaded (ADR 0014).",
};

pub(super) const HOT: Comparison = Comparison {
    group: "cache_hot",
    what: "one hot name, 2 threads",
    reference: "a plain `&HashMap`",
    contenders: HITS,
    targets: &[("secret-cache", Target::Ratio(1.35))],
    method: "Like the comparison above, with one name and two threads that read it at the same time; the cost
is the CPU time of one look-up on one thread. A contender that writes to shared memory, such as a lock or a
reference count, pays for it here. It pays less where the processors have other work and the two threads
seldom meet.",
};

pub(super) const FILL: Comparison = Comparison {
    group: "cache_fill",
    what: "inserting 100,000 names one by one",
    reference: "a `HashMap`",
    contenders: &[
        ("papaya", "papaya"),
        ("quick_cache", "quick_cache"),
        ("moka", "moka"),
        ("secret-cache", "`secret-cache`"),
        ("secret-cache-tenth", "`secret-cache`, ten caches of 10,000 names"),
    ],
    targets: &[],
    method: "Names and values are created before; each name is inserted by itself. For each insertion
`secret-cache` takes its lock, reads the time, compares versions and draws a jitter. Its two rows show that
the cost is linear: ten caches of 10,000 names cost about as much as one of 100,000, apart from the effect
of the processor's caches.",
};

pub(super) const HERD: Comparison = Comparison {
    group: "cache_herd",
    what: "1,000 misses on one name at once",
    reference: "quick_cache, `get_or_insert_async`",
    contenders: &[("moka", "moka, `try_get_with`"), ("secret-cache", "`secret-cache`")],
    targets: &[("secret-cache", Target::Nanos(1_500_000.0))],
    method: "1,000 tasks on one thread request a name that is not cached. The loader yields once, so that all of
them wait. The figure includes spawning and joining the tasks. There is one load, as the tests of the crate
show.",
};

const HITS: &[(&str, &str)] = &[
    ("papaya", "papaya, pinned for each look-up"),
    ("rwlock", "`RwLock<HashMap>`"),
    ("dashmap", "dashmap"),
    ("quick_cache", "quick_cache"),
    ("moka", "moka"),
    ("moka-expiry", "moka, with expiry"),
    ("secret-cache", "`secret-cache`, `get(name).await`"),
    ("secret-cache-handle", "`secret-cache`, `handle.get().await`"),
    ("secret-cache-peek", "`secret-cache`, `peek(name)`, no future"),
    ("secret-cache-handle-peek", "`secret-cache`, `handle.peek()`, no future"),
    ("km-proxy-adapter", "`km-proxy-adapter`, `keys.secret(name).await`"),
    ("km-proxy-adapter-handle", "`km-proxy-adapter`, `handle.secret().await`"),
];
