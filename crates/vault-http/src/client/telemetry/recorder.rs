//! Records metrics through the [`metrics`](https://docs.rs/metrics) facade, or nothing without the
//! feature `metrics`.

#[cfg(feature = "metrics")]
mod facade {
    use std::time::Duration;

    use metrics::{counter, histogram};

    /// Records the duration of an attempt.
    pub(crate) fn duration(method: &'static str, outcome: &'static str, duration: Duration) {
        let name = "vault_http_request_duration_seconds";
        histogram!(name, "method" => method, "outcome" => outcome).record(duration);
    }

    /// Counts a retry.
    pub(crate) fn retry(kind: &'static str) {
        counter!("vault_http_retries_total", "kind" => kind).increment(1);
    }
}

#[cfg(not(feature = "metrics"))]
mod facade {
    use std::time::Duration;

    pub(crate) fn duration(_: &'static str, _: &'static str, _: Duration) {}

    pub(crate) fn retry(_: &'static str) {}
}

pub(super) use facade::{duration, retry};
