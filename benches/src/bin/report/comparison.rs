//! What is compared with what: a row for each benchmark, as the page shows it.

use super::{cached, sidecar};

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
    /// The contenders that are this project's, and what each should come to.
    pub(crate) targets: &'static [(&'static str, Target)],
    /// How it is measured.
    pub(crate) how: &'static str,
}

/// What a cost should come to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// So many times what the reference costs at most.
    Ratio(f64),
    /// So many nanoseconds at most.
    Nanos(f64),
    /// So many in a second of one core's time at least.
    PerSecond(f64),
}

pub(crate) const COMPARISONS: &[Comparison] = &[
    UNCACHED_READ,
    COLD,
    STORES,
    TOKEN_1,
    TOKEN_2,
    cached::HIT,
    cached::HOT,
    cached::FILL,
    cached::HERD,
    sidecar::OWN,
    sidecar::VAULT,
];

const UNCACHED_READ: Comparison = Comparison {
    group: "uncached_read",
    what: "uncached KV read, 64 in flight",
    reference: "hyper alone, no pool, no JSON",
    contenders: &[
        ("reqwest", "reqwest, parsed into types"),
        ("vaultrs", "vaultrs"),
        ("vault-kv", "`vault-kv`, all its checks on"),
    ],
    targets: &[("vault-kv", Target::Ratio(2.0))],
    how: "64 tasks on one thread read one secret over and over, on kept-alive connections, in plain
HTTP/1.1, from a server that runs as a process of its own and has its answer ready. What counts is
the CPU time of the reading process, in user space and in the kernel, divided by the reads; waiting
is free. Each contender has read the right value before it is measured, and is measured in five
rounds of a second and a half, each right after one of hyper; its ratio is the median of the rounds'
ratios, with the least and the most of them behind it.",
};

const COLD: Comparison = Comparison {
    group: "cold",
    what: "1,000 names cold, 2 ms away, 64 in flight: time that passes",
    reference: "hyper alone, no pool, no JSON",
    contenders: &[
        ("reqwest", "reqwest, parsed into types"),
        ("km-proxy-adapter", "`km-proxy-adapter`, `keys.secret(name).await`"),
    ],
    targets: &[("km-proxy-adapter", Target::Ratio(1.1))],
    how: "64 tasks on one thread read a thousand names, each once, from the server of the comparison above,
which waits for two milliseconds before it answers (its timer counts in whole ones, so it is nearly
three). What counts is the time that passes until the last one is there; connections are open already.
The adapter has let all of them go before, and goes its whole way: the name is validated, the cache
looks, begins a load as a task of its own, and keeps what comes. That is about four microseconds a name
on top of the read, which the 64 of a wave pay one after the other on one thread: what is above reqwest.",
};

const STORES: Comparison = Comparison {
    group: "stores",
    what: "virtual keys stored, 64 in flight",
    reference: "reqwest, a plain KV write, parsed into types",
    contenders: &[("km-proxy-adapter", "`km-proxy-adapter`, with check-and-set")],
    targets: &[("km-proxy-adapter", Target::Ratio(1.2))],
    how: "64 tasks on one thread store keys, each under a new alias, in the way and against the server of
the first comparison. The adapter places the key, checks the access mode, writes on the condition
that nothing is there, and makes its cache forget the path; reqwest posts the same value.",
};

const TOKEN_1: Comparison = Comparison {
    group: "token_1",
    what: "taking the current token",
    reference: "look-up in a plain map of 1,000 names",
    contenders: TOKEN,
    targets: &[("handle", Target::Nanos(10.0))],
    how: "One thread takes the token that is in use, over and over, in five rounds, each right after one
of look-ups in a map of 1,000 names of 40 bytes, without any synchronisation. What counts is the CPU
time of the process. Neither way of `vault-auth` allocates: `crates/vault-auth/tests/allocations.rs`.",
};

const TOKEN_2: Comparison = Comparison {
    group: "token_2",
    what: "taking the current token, two threads at once",
    how: "The same on two threads that begin together; a step's time is that on one of them. Here is seen
what readers share and write: a lock, a count of references.",
    ..TOKEN_1
};

const TOKEN: &[(&str, &str)] = &[
    ("mutex", "an `Arc` that is cloned under a mutex"),
    ("watch", "tokio's `watch`, borrowed"),
    ("with_current", "`Auth::with_current`"),
    ("handle", "`Handle::current`"),
];
