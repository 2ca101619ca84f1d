//! The metrics of `km serve`, see `docs/reference/metrics.md`.
//!
//! Every label has a small, fixed set of values, and none contains a name or a secret.

use std::time::Duration;

use km_proxy_adapter::{ErrorKind, Source};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::api::Api;
use crate::error::Failure;

const OPERATIONS: &str = "km_serve_operations_total";
const OPERATION_DURATION: &str = "km_serve_operation_duration_seconds";
const READS: &str = "km_serve_reads_total";
const REJECTED: &str = "km_serve_rejected_total";
const READY: &str = "km_serve_ready";
/// Recorded by `vault-http`.
const VAULT_REQUEST_DURATION: &str = "vault_http_request_duration_seconds";
/// Recorded by `vault-http`.
const VAULT_RETRIES: &str = "vault_http_retries_total";

/// The buckets of durations in seconds, from a cache hit to a server that needs the whole deadline.
const BUCKETS: [f64; 10] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Installs the recorder for this process.
pub(super) fn install_recorder() -> Result<PrometheusHandle, Failure> {
    let recorder = build_and_install().map_err(|error| {
        let what = format!("internal: cannot record metrics: {error}");
        Failure::new(ErrorKind::Internal, what, "report this bug")
    })?;
    describe_counter!(OPERATIONS, "Number of operations, by API, operation and outcome");
    describe_histogram!(OPERATION_DURATION, "Duration of operations in seconds");
    describe_histogram!(VAULT_REQUEST_DURATION, "Duration of requests to Vault in seconds");
    describe_counter!(VAULT_RETRIES, "Number of retried requests to Vault, by kind of error");
    describe_counter!(READS, "Number of values served, by source");
    describe_counter!(
        REJECTED,
        "Number of requests that were rejected before an operation, by reason"
    );
    describe_gauge!(READY, "1 if secrets can be served, 0 otherwise");
    Ok(recorder)
}

fn build_and_install() -> Result<PrometheusHandle, BuildError> {
    let durations = Matcher::Suffix("_duration_seconds".to_owned());
    PrometheusBuilder::new().set_buckets_for_metric(durations, &BUCKETS)?.install_recorder()
}

/// Records a finished operation.
pub(super) fn operation(
    api: Api,
    operation: &'static str,
    outcome: &'static str,
    duration: Duration,
) {
    let api = api.name();
    counter!(OPERATIONS, "api" => api, "operation" => operation, "outcome" => outcome).increment(1);
    histogram!(OPERATION_DURATION, "api" => api, "operation" => operation).record(duration);
}

/// Records a value that was served.
pub(super) fn read(source: Source) {
    counter!(READS, "source" => source.as_str()).increment(1);
}

/// Records a request that was rejected before an operation began, or that timed out.
pub(super) fn rejected(reason: &'static str) {
    counter!(REJECTED, "reason" => reason).increment(1);
}

/// Publishes readiness.
pub(super) fn ready(ready: bool) {
    gauge!(READY).set(if ready { 1.0 } else { 0.0 });
}
