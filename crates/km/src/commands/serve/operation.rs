//! Metrics, readiness and log events of an operation.

use std::fmt::Display;

use km_proxy_adapter::{Error, Source};
use tokio::time::Instant;
use tracing::{debug, info};

use super::api::Api;
use super::app::App;
use super::metrics;
use super::peer::Peer;
use crate::error::exit_code;
use crate::io::log::{AUDIT, SERVE};

/// An operation of one of the APIs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    api: Api,
    name: &'static str,
}

impl Operation {
    pub(super) const fn vault(name: &'static str) -> Self {
        Self { api: Api::Vault, name }
    }

    pub(super) const fn native(name: &'static str) -> Self {
        Self { api: Api::Native, name }
    }

    /// Runs the operation and records its outcome and duration. `name` is that of a secret or key,
    /// never a value.
    pub(super) async fn run<T>(
        self,
        app: &App,
        name: impl Display,
        run: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let result = run.await;
        let duration = started.elapsed();
        let error = result.as_ref().err();
        let outcome = error.map_or("success", |error| exit_code::name(error.kind()));
        app.readiness.record_outcome(error.map(Error::kind));
        metrics::operation(self.api, self.name, outcome, duration);
        info!(
            target: SERVE,
            api = self.api.name(),
            operation = self.name,
            %name,
            outcome,
            duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
            "operation finished"
        );
        result
    }

    /// Logs which client read which secret, and the source of its value.
    pub(super) fn audit_read(
        self,
        client: &Peer,
        name: impl Display,
        source: Source,
        version: Option<u64>,
    ) {
        let (api, operation, source) = (self.api.name(), self.name, source.as_str());
        debug!(target: AUDIT, %client, api, operation, %name, source, version, "read");
    }

    /// Logs which client changed which path, and the version that was written.
    pub(super) fn audit_change(self, client: &Peer, path: impl Display, version: Option<u64>) {
        let (api, operation) = (self.api.name(), self.name);
        info!(target: AUDIT, %client, api, operation, %path, version, "changed");
    }
}
