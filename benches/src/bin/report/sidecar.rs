//! The comparisons of the sidecar: one for each of its doors.

use super::comparison::{Comparison, Target};

pub(crate) const OWN: Comparison = Comparison {
    group: "sidecar_own",
    what: "cached read of `km serve`, its own door",
    reference: "axum, a handler with the answer ready",
    contenders: KM,
    targets: &[("km", Target::Ratio(1.5)), ("km", Target::PerSecond(10_000.0))],
    how: "64 tasks of one thread ask a running `km serve` for one secret over and over, `GET
/km/v1/secrets/{name}` with the token, on loopback, on connections that are kept. What counts is the
CPU time of the process that answers, in user space and in the kernel, divided by the answers; what
asks is another process. The reference is a process too: an axum router with a handler for the path,
which gives the same bytes with the same headers, on tokio's runtime with its threads and hyper's
HTTP/1.1 connections, as in the sidecar. It looks at no token, counts nothing, knows no age and has
its JSON ready.",
};

pub(crate) const VAULT: Comparison = Comparison {
    group: "sidecar_vault",
    what: "cached read of `km serve`, the Vault door",
    how: "The same at `GET /v1/secret/data/{name}`: the answer has Vault's envelope with an id of its own,
the version's metadata, and in its headers where the value is from and how old it is.",
    ..OWN
};

const KM: &[(&str, &str)] = &[("km", "`km serve`")];
