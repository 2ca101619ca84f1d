//! The part of the token machine that settles a 403: the token is dead, or the path is denied.
//!
//! A path that is denied to a live token may be allowed to a new one, if the role's policies have
//! changed. So one login is made on trial, while the token in use goes on being used.

use std::time::Duration;

use vault_http::{Denial, Generation};

use super::event::{Action, Liveness};
use super::token_machine::{InFlight, Moment, TokenMachine};

/// A token that was found alive is not looked up again before this.
const CONFIRMED_FOR: Duration = Duration::from_secs(5);
/// The time between two logins on trial.
const TRIAL_INTERVAL: Duration = Duration::from_secs(300);
/// The age below which a token has its role's current policies.
const MIN_TRIAL_AGE: Duration = Duration::from_secs(30);
/// The time that a denied request waits for the login on trial. The login itself goes on.
const MAX_TRIAL_WAIT: Duration = Duration::from_secs(2);

impl TokenMachine {
    pub(super) fn denied(&mut self, denial: Denial, at: Moment) {
        let Denial { generation, token_invalid } = denial;
        let Some(held) = self.active.as_ref().filter(|held| held.generation() == generation) else {
            // Another token has taken its place, or is about to.
            return self.resolve_denial(generation, Liveness::Dead);
        };
        if token_invalid {
            self.drop_dead_token(generation, at);
            return self.resolve_denial(generation, Liveness::Dead);
        }
        let confirmed = self.confirmed_alive.is_some_and(|(known, seen)| {
            known == generation && at.now.duration_since(seen) < CONFIRMED_FOR
        });
        // A look-up would cost a use. One that is dead without our knowledge ends with its count.
        if confirmed || held.uses.is_some() {
            return self.token_is_alive(generation, at);
        }
        if self.verifying != Some(generation) {
            self.verifying = Some(generation);
            self.actions.push(Action::LookUp(held.issued.clone()));
        }
    }

    pub(super) fn looked_up(&mut self, generation: Generation, seen: Liveness, at: Moment) {
        self.verifying = None;
        let seen = if self.is_active(generation) { seen } else { Liveness::Dead };
        match seen {
            Liveness::Alive => {
                self.confirmed_alive = Some((generation, at.now));
                return self.token_is_alive(generation, at);
            }
            Liveness::Dead => self.drop_dead_token(generation, at),
            Liveness::Unknown(_) => {}
        }
        self.resolve_denial(generation, seen);
    }

    /// The token lives, and the path is denied, unless a new token has other policies.
    fn token_is_alive(&mut self, generation: Generation, at: Moment) {
        if self.allows_trial_login(at) && self.spend_budget(false, at).is_ok() {
            (self.in_flight, self.trial_login) = (Some(InFlight::Login), true);
            self.last_trial_at = Some(at.now);
            self.awaiting_trial = Some((generation, at.now + MAX_TRIAL_WAIT));
            self.actions.push(Action::LogIn);
        } else {
            self.resolve_denial(generation, Liveness::Alive);
        }
    }

    /// Returns whether a login may be made on trial.
    fn allows_trial_login(&self, at: Moment) -> bool {
        let recent = self.last_trial_at.is_some_and(|tried| at.now < tried + TRIAL_INTERVAL);
        let comparable = self.active.as_ref().is_some_and(|held| {
            held.policies.is_some()
                && held.uses.is_none()
                && at.now >= held.obtained_at + MIN_TRIAL_AGE
        });
        let idle = self.in_flight.is_none() && self.problem.is_none();
        self.config.repeatable && comparable && idle && !recent
    }

    /// Settles the denial that waits for the login on trial: the request is sent again if there is
    /// another token.
    pub(super) fn finish_trial(&mut self, at: Moment) {
        let Some((generation, _)) = self.awaiting_trial.take() else { return };
        let seen = if self.is_active(generation) { Liveness::Alive } else { Liveness::Dead };
        if matches!(seen, Liveness::Alive) {
            self.confirmed_alive = Some((generation, at.now));
        }
        self.resolve_denial(generation, seen);
    }

    /// Drops the token of this generation, and no newer one.
    pub(super) fn drop_dead_token(&mut self, generation: Generation, at: Moment) {
        if let Some(dead) = self.active.take_if(|held| held.generation() == generation) {
            self.counts.invalidated += 1;
            self.last_dead = Some(dead.issued.token);
            self.replace_lost_token(false, at);
        }
    }

    fn resolve_denial(&mut self, generation: Generation, seen: Liveness) {
        self.actions.push(Action::ResolveDenial { generation, liveness: seen });
    }
}
