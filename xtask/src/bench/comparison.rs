//! What is compared with what: a row for each benchmark, as the page shows it.

/// A benchmark of the package `benches`: a reference, and the contenders that are measured each
/// right after it.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// Criterion's group, and the benchmark's target.
    pub(crate) group: &'static str,
    /// What is done.
    pub(crate) what: &'static str,
    /// What a ratio is to.
    pub(crate) reference: &'static str,
    /// Name in the group, and how the page calls it.
    pub(crate) contenders: &'static [(&'static str, &'static str)],
    /// The contenders that are this project's, and the ratio that each should not exceed.
    pub(crate) targets: &'static [(&'static str, f64)],
    /// How it is measured.
    pub(crate) how: &'static str,
}

pub(crate) const COMPARISONS: &[Comparison] = &[Comparison {
    group: "uncached_read",
    what: "uncached KV read, 64 in flight",
    reference: "hyper alone, no pool, no JSON",
    contenders: &[
        ("reqwest", "reqwest, parsed into types"),
        ("vaultrs", "vaultrs"),
        ("vault-kv", "`vault-kv`, all its checks on"),
    ],
    targets: &[("vault-kv", 2.0)],
    how: "64 tasks on one thread read one secret over and over, on kept-alive connections, in plain
HTTP/1.1, from a server that runs as a process of its own and has its answer ready. What counts is
the CPU time of the reading process, in user space and in the kernel, divided by the reads; waiting
is free. Each contender has read the right value before it is measured, and is measured in five
rounds of a second and a half, each right after one of hyper; its ratio is the median of the rounds'
ratios, with the least and the most of them behind it.",
}, Comparison {
    group: "stores",
    what: "virtual keys stored, 64 in flight",
    reference: "reqwest, a plain KV write, parsed into types",
    contenders: &[("km-proxy-adapter", "`km-proxy-adapter`, with check-and-set")],
    targets: &[("km-proxy-adapter", 1.2)],
    how: "64 tasks on one thread store keys, each under a new alias, in the way and against the server of
the comparison above. The adapter places the key, checks the access mode, writes on the condition
that nothing is there, and makes its cache forget the path; reqwest posts the same value.",
}, Comparison {
    group: "cache_hit",
    what: "a value in memory, 1,000 names",
    reference: "a plain `&HashMap`",
    contenders: &[
        ("papaya", "papaya, pinned for each look-up"),
        ("rwlock", "`RwLock<HashMap>`"),
        ("dashmap", "dashmap"),
        ("quick_cache", "quick_cache"),
        ("mini-moka", "mini-moka"),
        ("moka", "moka"),
        ("moka-expiry", "moka, values expire"),
        ("secret-cache", "`secret-cache`, `get(name).await`"),
        ("secret-cache-handle", "`secret-cache`, `handle.get().await`"),
        ("secret-cache-cached", "`secret-cache`, `cached(name)`, no future"),
        ("secret-cache-handle-cached", "`secret-cache`, `handle.cached()`, no future"),
    ],
    targets: &[("secret-cache", 1.15), ("secret-cache-handle", 0.6)],
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
this workspace they can't be spared.",
}, Comparison {
    group: "cache_hot",
    what: "one hot name, 2 threads",
    reference: "a plain `&HashMap`",
    contenders: &[
        ("papaya", "papaya, pinned for each look-up"),
        ("rwlock", "`RwLock<HashMap>`"),
        ("dashmap", "dashmap"),
        ("quick_cache", "quick_cache"),
        ("mini-moka", "mini-moka"),
        ("moka", "moka"),
        ("moka-expiry", "moka, values expire"),
        ("secret-cache", "`secret-cache`, `get(name).await`"),
        ("secret-cache-handle", "`secret-cache`, `handle.get().await`"),
        ("secret-cache-cached", "`secret-cache`, `cached(name)`, no future"),
        ("secret-cache-handle-cached", "`secret-cache`, `handle.cached()`, no future"),
    ],
    targets: &[("secret-cache", 1.35)],
    how: "The same with one name and two threads that read it at the same time; what counts is the CPU time of
one look-up on one thread. Who writes to anything shared, a lock or a reference count, pays for it
here.",
}, Comparison {
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
}, Comparison {
    group: "cache_herd",
    what: "1,000 misses on one name at once",
    reference: "quick_cache, `get_or_insert_async`",
    contenders: &[("moka", "moka, `try_get_with`"), ("secret-cache", "`secret-cache`")],
    targets: &[("secret-cache", 1.25)],
    how: "A thousand tasks on one thread ask for a name that nobody has asked for; the loader gives way once,
so that all of them come to wait. Spawning and ending the tasks is in the figure. One load, as the
tests of the crate show; that it is at most 1.5 ms where quick_cache takes 1.2 is the target.",
}];
