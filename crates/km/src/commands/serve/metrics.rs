//! What is counted. The names and labels are listed in `docs/reference/metrics.md`; every label has
//! few values, and none is a name or a secret.

use std::time::Duration;

use km_proxy_adapter::{ErrorKind, Source};
use metrics::{counter, describe_counter, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::error::Failure;

const OPERATIONS: &str = "km_serve_operations_total";
const SECONDS: &str = "km_serve_operation_seconds";
const READS: &str = "km_serve_reads_total";
const REFUSED: &str = "km_serve_refused_total";
const READY: &str = "km_serve_ready";

/// From a value in memory to a server that needs all of the time that it has.
const BUCKETS: [f64; 10] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Starts recording, for all of this process.
pub(super) fn record() -> Result<PrometheusHandle, Failure> {
    let recorder = start().map_err(|error| {
        let what = format!("internal: metrics can't be recorded: {error}");
        Failure::new(ErrorKind::Internal, what, "report this")
    })?;
    describe_counter!(OPERATIONS, "Operations by door, name and outcome");
    describe_histogram!(SECONDS, "Time that an operation took, in seconds");
    describe_counter!(READS, "Values that were served, by where they came from");
    describe_counter!(REFUSED, "Requests and connections that were refused, by reason");
    metrics::describe_gauge!(READY, "Whether something can be served");
    Ok(recorder)
}

fn start() -> Result<PrometheusHandle, BuildError> {
    let buckets = Matcher::Full(SECONDS.to_owned());
    PrometheusBuilder::new().set_buckets_for_metric(buckets, &BUCKETS)?.install_recorder()
}

/// An operation came to its end.
pub(super) fn operation(
    door: &'static str,
    name: &'static str,
    outcome: &'static str,
    took: Duration,
) {
    counter!(OPERATIONS, "door" => door, "operation" => name, "outcome" => outcome).increment(1);
    histogram!(SECONDS, "door" => door, "operation" => name).record(took);
}

/// A value was served.
pub(super) fn read(source: Source) {
    counter!(READS, "source" => name(source)).increment(1);
}

/// Somebody was refused before an operation began.
pub(super) fn refused(reason: &'static str) {
    counter!(REFUSED, "reason" => reason).increment(1);
}

/// Whether something can be served.
pub(super) fn ready(ready: bool) {
    gauge!(READY).set(if ready { 1.0 } else { 0.0 });
}

/// A source as it is told to clients and in metrics.
pub(super) const fn name(source: Source) -> &'static str {
    match source {
        Source::Vault => "vault",
        Source::Cache => "cache",
        Source::Stale => "stale",
        Source::Environment => "environment",
    }
}
