//! The resolution of a 403: either the token is dead, or the path is denied.
//!
//! A new token may be allowed a path that is denied to a live one, if the role's policies have
//! changed. One trial login finds this out, and the active token stays in use meanwhile.
//! `docs/adr/0005-denials.md` has the reasons.

use std::time::Duration;

use vault_http::{Denial, Generation};

use super::event::{Action, Liveness, Moment};
use super::token_machine::{InFlight, TokenMachine};

/// The time for which a token that was found alive is not looked up again.
const CONFIRMED_FOR: Duration = Duration::from_secs(5);
/// The minimum time between two trial logins.
const TRIAL_INTERVAL: Duration = Duration::from_secs(300);
/// The age below which a token is assumed to have its role's current policies.
const MIN_TRIAL_AGE: Duration = Duration::from_secs(30);
/// The time that a denied request waits for the trial login, which may take longer.
const MAX_TRIAL_WAIT: Duration = Duration::from_secs(2);

impl TokenMachine {
    pub(super) fn denied(&mut self, denial: Denial, at: Moment) {
        let Denial { generation, token_invalid, .. } = denial;
        let active = self.active.as_ref().filter(|active| active.generation() == generation);
        let Some(active) = active else {
            // Another token has replaced it, or will.
            return self.resolve_denial(generation, Liveness::Dead);
        };
        if token_invalid {
            self.drop_dead_token(generation, at);
            return self.resolve_denial(generation, Liveness::Dead);
        }
        let is_confirmed = self.confirmed_alive.is_some_and(|(confirmed, when)| {
            confirmed == generation && at.now.duration_since(when) < CONFIRMED_FOR
        });
        // A look-up would take a use. If a use-limited token is dead, its uses run out soon.
        if is_confirmed || active.uses.is_some() {
            return self.token_is_alive(generation, at);
        }
        if self.verifying != Some(generation) {
            self.verifying = Some(generation);
            self.actions.push(Action::LookUp(active.issued.clone()));
        }
    }

    pub(super) fn looked_up(&mut self, generation: Generation, liveness: Liveness, at: Moment) {
        self.verifying = None;
        let liveness = if self.is_active(generation) { liveness } else { Liveness::Dead };
        match liveness {
            Liveness::Alive => {
                self.confirmed_alive = Some((generation, at.now));
                return self.token_is_alive(generation, at);
            }
            Liveness::Dead => self.drop_dead_token(generation, at),
            Liveness::Unknown(_) => {}
        }
        self.resolve_denial(generation, liveness);
    }

    /// Starts a trial login if one is allowed, and otherwise reports that the path is denied.
    fn token_is_alive(&mut self, generation: Generation, at: Moment) {
        if self.allows_trial_login(at) && self.budget.spend(false, at.now).is_ok() {
            (self.in_flight, self.trial_login) = (Some(InFlight::Login), true);
            self.last_trial_at = Some(at.now);
            self.awaiting_trial = Some((generation, at.now + MAX_TRIAL_WAIT));
            self.actions.push(Action::LogIn);
        } else {
            self.resolve_denial(generation, Liveness::Alive);
        }
    }

    fn allows_trial_login(&self, at: Moment) -> bool {
        let is_recent = self.last_trial_at.is_some_and(|last| at.now < last + TRIAL_INTERVAL);
        let is_comparable = self.active.as_ref().is_some_and(|active| {
            active.policies.is_some()
                && active.uses.is_none()
                && at.now >= active.obtained_at + MIN_TRIAL_AGE
        });
        let is_idle = self.in_flight.is_none() && self.problem.is_none();
        self.config.repeatable && is_comparable && is_idle && !is_recent
    }

    /// Resolves the denial that waits for the trial login. Its request is sent again if there is
    /// another token.
    pub(super) fn finish_trial(&mut self, at: Moment) {
        let Some((generation, _)) = self.awaiting_trial.take() else { return };
        let is_active = self.is_active(generation);
        if is_active {
            self.confirmed_alive = Some((generation, at.now));
        }
        let liveness = if is_active { Liveness::Alive } else { Liveness::Dead };
        self.resolve_denial(generation, liveness);
    }

    /// Drops the active token if it is of this generation.
    pub(super) fn drop_dead_token(&mut self, generation: Generation, at: Moment) {
        if let Some(dead) = self.active.take_if(|active| active.generation() == generation) {
            self.counts.invalidated += 1;
            self.last_dead = Some(dead.issued.token);
            self.replace_lost_token(false, at);
        }
    }

    fn resolve_denial(&mut self, generation: Generation, liveness: Liveness) {
        self.actions.push(Action::ResolveDenial { generation, liveness });
    }
}
