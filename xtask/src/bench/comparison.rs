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
    /// The contender that is this project's.
    pub(crate) ours: &'static str,
    /// The ratio that it should not exceed.
    pub(crate) target: f64,
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
    ours: "vault-kv",
    target: 2.0,
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
    ours: "km-proxy-adapter",
    target: 1.2,
    how: "64 tasks on one thread store keys, each under a new alias, in the way and against the server of
the comparison above. The adapter places the key, checks the access mode, writes on the condition
that nothing is there, and makes its cache forget the path; reqwest posts the same value.",
}];
