//! The part of the token machine that settles a 403: the token is dead, or the path is denied.
//!
//! A path that is denied to a live token may be allowed to a new one, if the role's policies have
//! changed. So one login is made on trial, while the token in use goes on being used.

use std::time::Duration;

use vault_http::{Denial, Generation};

use super::event::{Action, Seen};
use super::token_machine::{Flight, Life, Moment};

/// A token that was found alive is not looked up again before this.
const CONFIRMED_FOR: Duration = Duration::from_secs(5);
/// The time between two logins on trial.
const TRIALS_APART: Duration = Duration::from_secs(300);
/// The age below which a token has its role's current policies.
const YOUNG: Duration = Duration::from_secs(30);
/// The time that a denied request waits for the login on trial. The login itself goes on.
const TRIAL_AWAITED: Duration = Duration::from_secs(2);

impl Life {
    pub(super) fn denied(&mut self, denial: Denial, at: Moment) {
        let Denial { generation, token_invalid } = denial;
        let Some(held) = self.held.as_ref().filter(|held| held.generation() == generation) else {
            // Another token has taken its place, or is about to.
            return self.settle(generation, Seen::Dead);
        };
        if token_invalid {
            self.died(generation, at);
            return self.settle(generation, Seen::Dead);
        }
        let confirmed = self.confirmed.is_some_and(|(known, seen)| {
            known == generation && at.now.duration_since(seen) < CONFIRMED_FOR
        });
        // A look-up would cost a use. One that is dead without our knowledge ends with its count.
        if confirmed || held.uses.is_some() {
            return self.alive(generation, at);
        }
        if self.settling != Some(generation) {
            self.settling = Some(generation);
            self.actions.push(Action::LookUp(held.lease.clone()));
        }
    }

    pub(super) fn looked_up(&mut self, generation: Generation, seen: Seen, at: Moment) {
        self.settling = None;
        let seen = if self.holds(generation) { seen } else { Seen::Dead };
        match seen {
            Seen::Alive => {
                self.confirmed = Some((generation, at.now));
                return self.alive(generation, at);
            }
            Seen::Dead => self.died(generation, at),
            Seen::Unknown(_) => {}
        }
        self.settle(generation, seen);
    }

    /// The token lives, and the path is denied, unless a new token has other policies.
    fn alive(&mut self, generation: Generation, at: Moment) {
        if self.may_try(at) && self.spend(false, at).is_ok() {
            (self.flight, self.on_trial) = (Some(Flight::Login), true);
            self.tried_at = Some(at.now);
            self.awaiting = Some((generation, at.now + TRIAL_AWAITED));
            self.actions.push(Action::LogIn);
        } else {
            self.settle(generation, Seen::Alive);
        }
    }

    /// Returns whether a login may be made on trial.
    fn may_try(&self, at: Moment) -> bool {
        let recent = self.tried_at.is_some_and(|tried| at.now < tried + TRIALS_APART);
        let comparable = self.held.as_ref().is_some_and(|held| {
            held.policies.is_some() && held.uses.is_none() && at.now >= held.since + YOUNG
        });
        let idle = self.flight.is_none() && self.trouble.is_none();
        self.config.repeatable && comparable && idle && !recent
    }

    /// Settles the denial that waits for the login on trial: the request is sent again if there is
    /// another token.
    pub(super) fn end_trial(&mut self, at: Moment) {
        let Some((generation, _)) = self.awaiting.take() else { return };
        let seen = if self.holds(generation) { Seen::Alive } else { Seen::Dead };
        if matches!(seen, Seen::Alive) {
            self.confirmed = Some((generation, at.now));
        }
        self.settle(generation, seen);
    }

    /// Drops the token of this generation, and no newer one.
    pub(super) fn died(&mut self, generation: Generation, at: Moment) {
        if let Some(dead) = self.held.take_if(|held| held.generation() == generation) {
            self.counts.invalidated += 1;
            self.dead = Some(dead.lease.token);
            self.replace_lost(false, at);
        }
    }

    fn settle(&mut self, generation: Generation, seen: Seen) {
        self.actions.push(Action::Settle { generation, seen });
    }
}
