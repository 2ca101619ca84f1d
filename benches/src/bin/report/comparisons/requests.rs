//! Requests to a server.

use crate::comparison::Comparison;
use crate::target::Target;

pub(super) const UNCACHED_READ: Comparison = Comparison {
    group: "uncached_read",
    what: "uncached KV read, 64 in flight",
    reference: "hyper alone, no pool, no JSON",
    contenders: &[
        ("reqwest", "reqwest, parsed into types"),
        ("vaultrs", "vaultrs"),
        ("vault-kv", "`vault-kv`, with all its checks"),
    ],
    targets: &[("vault-kv", Target::Ratio(2.0)), ("vault-kv", Target::RatioTo("reqwest", 1.2))],
    method: "64 tasks on one thread read one secret repeatedly over keep-alive connections in plain
HTTP/1.1. The server is a separate process with a prepared response. The cost is the CPU time of the
reading process, in user space and in the kernel, per read; waiting costs nothing. Each contender is
measured in five rounds of 1.5 s, each right after a round of the reference. Its ratio is the median of
the rounds' ratios; the smallest and the largest follow in parentheses.",
};

pub(super) const COLD: Comparison = Comparison {
    group: "cold",
    what: "1,000 cold names, 2 ms away, 64 in flight: elapsed time",
    reference: "hyper alone, no pool, no JSON",
    contenders: &[
        ("reqwest", "reqwest, parsed into types"),
        ("km-proxy-adapter", "`km-proxy-adapter`, `keys.secret(name).await`"),
    ],
    targets: &[("km-proxy-adapter", Target::Ratio(1.15))],
    method: "64 tasks on one thread read 1,000 names, each once, from the server of the first comparison,
which waits 2 ms before it responds (its timer has a resolution of 1 ms, so that the wait is nearly
3 ms). The figure is the elapsed time until the last value is there; connections are open before. The
adapter's cache is empty at the start of each round, and a read goes through all layers: name
validation, the cache, a load as a task of its own, and the insertion. That costs about 4 µs per name
more than the read alone, and the 64 reads of a wave pay it one after the other on one thread.",
};

pub(super) const STORES: Comparison = Comparison {
    group: "stores",
    what: "storing virtual keys, 64 in flight",
    reference: "reqwest, a plain KV write, parsed into types",
    contenders: &[("km-proxy-adapter", "`km-proxy-adapter`, with check-and-set")],
    targets: &[("km-proxy-adapter", Target::Ratio(1.2))],
    method: "64 tasks on one thread store keys, each with a new alias, in the setup of the first
comparison. The adapter computes the key's path, checks the access mode, writes with check-and-set so
that nothing is overwritten, and invalidates the path in its cache. reqwest posts the same value.",
};
