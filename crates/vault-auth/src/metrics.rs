//! Metrics and `tracing` events of a token source. `docs/reference/metrics.md` has the table.

use metrics::SharedString;
use tokio::time::Instant;
use tracing::info;

use crate::machine::{Event, Liveness, RenewalFailure};
use crate::status::{Snapshot, State};

/// Reports on one token source, which the label `source` names.
#[derive(Debug, Clone)]
pub(crate) struct Reporter {
    source: SharedString,
}

impl Reporter {
    pub(crate) fn new(source: SharedString) -> Self {
        Self { source }
    }

    /// Counts an event.
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
            Event::LookedUp { liveness: seen, .. } => self.lookup(match seen {
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

    /// Reports the present state; the last one was `before`.
    pub(crate) fn snapshot(&self, before: State, now: &Snapshot, at: Instant) {
        if before != now.state {
            let (before, state) = (before.name(), now.state.name());
            let (source, generation, error) = (&*self.source, now.generation, &now.error);
            info!(source, before, state, ?generation, ?error, "token");
        }
        for state in State::ALL {
            let is = if state == now.state { 1.0 } else { 0.0 };
            let source = self.source.clone();
            metrics::gauge!("vault_auth_state", "source" => source, "state" => state.name())
                .set(is);
        }
        #[expect(clippy::cast_precision_loss, reason = "nobody logs in 2^53 times")]
        metrics::gauge!("vault_auth_generation", "source" => self.source.clone())
            .set(now.generation.number() as f64);
        self.expiry(now, at);
    }

    /// Reports how long the token may still be used.
    pub(crate) fn expiry(&self, now: &Snapshot, at: Instant) {
        let left = match (now.kind, now.usable_until) {
            (None, _) => 0.0,
            (Some(_), None) => f64::INFINITY,
            (Some(_), Some(end)) => end.saturating_duration_since(at).as_secs_f64(),
        };
        metrics::gauge!("vault_auth_token_ttl_seconds", "source" => self.source.clone()).set(left);
    }
}
