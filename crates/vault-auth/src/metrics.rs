//! The metrics and log events of a token source, which `docs/reference/metrics.md` describes.

use std::sync::Arc;

use tokio::time::Instant;

use crate::log::info;
use crate::machine::{Event, Liveness, RenewalFailure};
use crate::recorder;
use crate::status::{Snapshot, State};

/// Records the metrics of one token source, under the value of the label `source`.
#[derive(Debug, Clone)]
pub(crate) struct Reporter {
    source: Arc<str>,
}

impl Reporter {
    pub(crate) fn new(source: Arc<str>) -> Self {
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
        recorder::count("vault_auth_logins_total", &self.source, Some(("outcome", outcome)));
    }

    fn renewal(&self, outcome: &'static str) {
        recorder::count("vault_auth_renewals_total", &self.source, Some(("outcome", outcome)));
    }

    fn lookup(&self, outcome: &'static str) {
        recorder::count("vault_auth_lookups_total", &self.source, Some(("outcome", outcome)));
    }

    /// Counts a revocation.
    pub(crate) fn revoked(&self, success: bool) {
        let outcome = if success { "success" } else { "failed" };
        recorder::count("vault_auth_revocations_total", &self.source, Some(("outcome", outcome)));
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
            recorder::set("vault_auth_state", &self.source, Some(("state", state.name())), value);
        }
        #[expect(clippy::cast_precision_loss, reason = "the generation stays below 2^53")]
        let generation = snapshot.generation.number() as f64;
        recorder::set("vault_auth_generation", &self.source, None, generation);
        self.ttl(snapshot, now);
    }

    /// Updates the remaining time of the token.
    pub(crate) fn ttl(&self, snapshot: &Snapshot, now: Instant) {
        let left = match (snapshot.kind, snapshot.usable_until) {
            (None, _) => 0.0,
            (Some(_), None) => f64::INFINITY,
            (Some(_), Some(end)) => end.saturating_duration_since(now).as_secs_f64(),
        };
        recorder::set("vault_auth_token_ttl_seconds", &self.source, None, left);
    }
}
