//! What is told to those who watch: `metrics`, and `tracing` events. docs/reference/metrics.md has
//! the table.

use tokio::time::Instant;
use tracing::info;

use crate::life::{Event, Seen, Unrenewed};
use crate::status::{Snapshot, State};

/// Counts what happened.
pub(crate) fn event(event: &Event) {
    match event {
        Event::LoggedIn { .. } => login("success"),
        Event::LoginFailed(failure) if failure.refused => login("refused"),
        Event::LoginFailed(_) => login("failed"),
        Event::Renewed { .. } => renewal("success"),
        Event::Unrenewed { why: Unrenewed::Unasked, .. } => renewal("failed"),
        Event::Unrenewed { .. } => renewal("refused"),
        Event::LookedUp { seen, .. } => {
            let seen = match seen {
                Seen::Alive => "alive",
                Seen::Dead => "dead",
                Seen::Unknown(_) => "unknown",
            };
            metrics::counter!("vault_auth_lookups_total", "outcome" => seen).increment(1);
        }
        Event::Start
        | Event::Tick
        | Event::Denied(_)
        | Event::Used { .. }
        | Event::CredentialChanged { .. } => {}
    }
}

fn login(outcome: &'static str) {
    metrics::counter!("vault_auth_logins_total", "outcome" => outcome).increment(1);
}

fn renewal(outcome: &'static str) {
    metrics::counter!("vault_auth_renewals_total", "outcome" => outcome).increment(1);
}

/// Counts a revocation.
pub(crate) fn revoked(success: bool) {
    let outcome = if success { "success" } else { "failed" };
    metrics::counter!("vault_auth_revocations_total", "outcome" => outcome).increment(1);
}

/// Tells where the life of the token stands now, which stood at `before`.
pub(crate) fn snapshot(before: State, now: &Snapshot, at: Instant) {
    if before != now.state {
        let (before, state) = (before.name(), now.state.name());
        info!(before, state, generation = ?now.generation, error = ?now.error, "token");
    }
    for state in State::ALL {
        let is = if state == now.state { 1.0 } else { 0.0 };
        metrics::gauge!("vault_auth_state", "state" => state.name()).set(is);
    }
    #[expect(clippy::cast_precision_loss, reason = "nobody logs in 2^53 times")]
    metrics::gauge!("vault_auth_generation").set(now.generation.number() as f64);
    expiry(now, at);
}

/// Tells how long the token may be used still.
pub(crate) fn expiry(now: &Snapshot, at: Instant) {
    let left = match (now.kind, now.end) {
        (None, _) => 0.0,
        (Some(_), None) => f64::INFINITY,
        (Some(_), Some(end)) => end.saturating_duration_since(at).as_secs_f64(),
    };
    metrics::gauge!("vault_auth_token_expiry_seconds").set(left);
}
