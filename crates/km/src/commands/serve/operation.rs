//! One operation of a door: counted, timed and told.

use std::fmt::Display;

use km_proxy_adapter::{Error, Source};
use tokio::time::Instant;
use tracing::{debug, info};

use super::app::App;
use super::metrics;
use super::server::Peer;
use crate::error::exit_code;

/// Which door, which operation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    pub(super) door: &'static str,
    pub(super) name: &'static str,
}

impl Operation {
    pub(super) const fn vault(name: &'static str) -> Self {
        Self { door: "vault", name }
    }

    pub(super) const fn own(name: &'static str) -> Self {
        Self { door: "own", name }
    }

    /// Runs it. `place` is a name or a path, never a value.
    pub(super) async fn run<T>(
        self,
        app: &App,
        place: impl Display,
        run: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let Self { door, name } = self;
        let began = Instant::now();
        let outcome = run.await;
        let took = began.elapsed();
        let error = outcome.as_ref().err();
        let became = error.map_or("done", |error| exit_code::name(error.kind()));
        app.ready.saw(error.map(Error::kind));
        metrics::operation(door, name, became, took);
        info!(
            target: "km::serve",
            door,
            operation = name,
            %place,
            outcome = became,
            duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            "served"
        );
        outcome
    }

    /// Logs which client read what, and where the value came from; never the value.
    pub(super) fn audit_read(
        self,
        peer: &Peer,
        place: impl Display,
        source: Source,
        version: Option<u64>,
    ) {
        let Self { door, name } = self;
        let source = metrics::name(source);
        debug!(
            target: "km::audit",
            who = %peer.0, door, operation = name, %place, source, version, "read"
        );
    }

    /// Tells who changed which key: where it is, and which version holds it now.
    pub(super) fn audit(self, peer: &Peer, place: impl Display, version: Option<u64>) {
        let Self { door, name } = self;
        info!(target: "km::audit", who = %peer.0, door, operation = name, %place, version, "changed");
    }
}
