//! Access to the current token.

use crate::comparison::Comparison;
use crate::target::Target;

pub(super) const ONE_THREAD: Comparison = Comparison {
    group: "token_1",
    what: "reading the current token",
    reference: "look-up in a plain map of 1,000 names",
    contenders: &[
        ("mutex", "an `Arc` cloned under a mutex"),
        ("watch", "tokio's `watch`, borrowed"),
        ("with_current", "`Auth::with_current`"),
        ("handle", "`Handle::current`"),
    ],
    targets: &[("handle", Target::Nanos(10.0))],
    method: "One thread reads the current token in five rounds, each right after a round of look-ups in an
unsynchronized map of 1,000 names of 40 bytes. The cost is the CPU time of the process. Neither function
of `vault-auth` allocates (`crates/vault-auth/tests/allocations.rs`).",
};

pub(super) const TWO_THREADS: Comparison = Comparison {
    group: "token_2",
    what: "reading the current token, two threads at once",
    method: "Like the comparison above, on two threads at the same time; the cost is the CPU time of one read
on one thread. It shows what shared writes cost, such as a lock or a reference count.",
    ..ONE_THREAD
};
