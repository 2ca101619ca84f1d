//! The two APIs of the sidecar.

use crate::comparison::Comparison;
use crate::target::Target;

pub(super) const NATIVE: Comparison = Comparison {
    group: "sidecar_native",
    what: "cached read of `km serve`, native API",
    reference: "axum, a handler with a prepared response",
    contenders: &[("km", "`km serve`")],
    targets: &[("km", Target::Ratio(1.5)), ("km", Target::PerSecond(10_000.0))],
    method: "64 tasks on one thread request one secret repeatedly from a running `km serve`, `GET
/km/v1/secrets/{name}` with the token, over keep-alive connections on loopback. The cost is the CPU time
of the serving process, in user space and in the kernel, per response; the client is another process.
The reference is a process as well: an axum router with one handler, which returns the same bytes with
the same headers on tokio's multi-threaded runtime and hyper's HTTP/1.1 connections, as the sidecar does.
It checks no token, counts nothing, computes no age and has its JSON ready.",
};

pub(super) const VAULT: Comparison = Comparison {
    group: "sidecar_vault",
    what: "cached read of `km serve`, Vault API",
    method: "Like the comparison above, for `GET /v1/secret/data/{name}`. The response has Vault's envelope
with a request ID of its own, the version's metadata, and headers with the source and the age.",
    ..NATIVE
};
