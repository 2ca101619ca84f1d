//! The metrics and log events of a token source, which `docs/reference/metrics.md` describes.

use metrics::SharedString;
use tokio::time::Instant;
use tracing::info;

use crate::machine::{Event, Liveness, RenewalFailure};
use crate::status::{Snapshot, State};

/// Records the metrics of one token source, under the value of the label `source`.
#[derive(Debug, Clone)]
pub(crate) struct Reporter {
    source: SharedString,
}

impl Reporter {
    pub(crate) fn new(source: SharedString) -> Self {
        Self { source }
    }

    /// Counts a login, renewal or look-up.
    pub(crate) fn event(&self, event: &Event) {
        match event {
            Event::LoggedIn { .. } => self.login("success"),
            Event::LoginFailed(failure) if failure.refused => self.login("refused"),
            Event::LoginFailed(_) => self.login("failed"),
            Event::Renewed { .. } => self.renewal("success"),
            Event::RenewalFailed {
                failure: RenewalFailure::Unavailable | RenewalFailure::NoActiveNode,
                ..
            } => {
                self.renewal("failed");
            }
            Event::RenewalFailed { .. } => self.renewal("refused"),
            Event::LookedUp { liveness, .. } => self.lookup(match liveness {
                Liveness::Alive => "alive",
                Liveness::Dead => "dead",
                Liveness::Unknown(_) => "unknown",
            }),
            Event::Start
            | Event::Tick
            | Event::Probed { .. }
            | Event::Denied(_)
            | Event::UsesLow { .. }
            | Event::CredentialChanged { .. } => {}
        }
    }

    fn login(&self, outcome: &'static str) {
        let source = self.source.clone();
        metrics::counter!("vault_auth_logins_total", "source" => source, "outcome" => outcome)
            .increment(1);
    }

    fn renewal(&self, outcome: &'static str) {
        let source = self.source.clone();
        metrics::counter!("vault_auth_renewals_total", "source" => source, "outcome" => outcome)
            .increment(1);
    }

    fn lookup(&self, outcome: &'static str) {
        let source = self.source.clone();
        metrics::counter!("vault_auth_lookups_total", "source" => source, "outcome" => outcome)
            .increment(1);
    }

    /// Counts a revocation.
    pub(crate) fn revoked(&self, success: bool) {
        let (source, outcome) = (self.source.clone(), if success { "success" } else { "failed" });
        metrics::counter!("vault_auth_revocations_total", "source" => source, "outcome" => outcome)
            .increment(1);
    }

    /// Logs a change of the state from `before`, and updates all gauges.
    pub(crate) fn snapshot(&self, before: State, snapshot: &Snapshot, now: Instant) {
        if before != snapshot.state {
            let (before, state) = (before.name(), snapshot.state.name());
            let (source, generation, error) = (&*self.source, snapshot.generation, &snapshot.error);
            info!(source, before, state, ?generation, ?error, "token state changed");
        }
        for state in State::ALL {
            let value = if state == snapshot.state { 1.0 } else { 0.0 };
            let source = self.source.clone();
            metrics::gauge!("vault_auth_state", "source" => source, "state" => state.name())
                .set(value);
        }
        #[expect(clippy::cast_precision_loss, reason = "the generation stays below 2^53")]
        metrics::gauge!("vault_auth_generation", "source" => self.source.clone())
            .set(snapshot.generation.number() as f64);
        self.ttl(snapshot, now);
    }

    /// Updates the remaining time of the token.
    pub(crate) fn ttl(&self, snapshot: &Snapshot, now: Instant) {
        let left = match (snapshot.kind, snapshot.usable_until) {
            (None, _) => 0.0,
            (Some(_), None) => f64::INFINITY,
            (Some(_), Some(end)) => end.saturating_duration_since(now).as_secs_f64(),
        };
        metrics::gauge!("vault_auth_token_ttl_seconds", "source" => self.source.clone()).set(left);
    }
}
