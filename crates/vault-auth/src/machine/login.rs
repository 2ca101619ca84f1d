//! The part of the token machine that decides when to log in, and what to do with the outcome.

use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Error, ErrorKind, Generation};

use super::active::Held;
use super::event::{Action, Failure};
use super::timing::{self, LONGEST_WAIT, LONGEST_WAIT_IN_USE};
use super::token_machine::{Flight, Life, Moment, Trouble};
use crate::login::Login;
use crate::status::State;

/// A server counts leases in whole seconds: what is longer by less is not longer.
const ROUNDING: Duration = Duration::from_secs(5);

impl Life {
    /// Logs in, unless a login is out already. `free`: a short lease makes it necessary.
    pub(super) fn log_in(&mut self, at: Moment, free: bool) {
        if self.flight == Some(Flight::Login) {
            return;
        }
        if let Err(next) = self.spend(free, at) {
            self.login_at = Some(next);
            // A token in use does without for a minute.
            if self.held.is_none() || self.trouble.is_some() {
                let error = self.trouble.take().map_or_else(too_many, |trouble| trouble.error);
                self.trouble = Some(Trouble { error, rejected: false, unreached: false });
            }
            return;
        }
        (self.login_at, self.probe_at) = (None, None);
        self.flight = Some(Flight::Login);
        self.actions.push(Action::LogIn);
    }

    /// Takes a request out of the budget, unless it is `free`.
    ///
    /// # Errors
    /// The time at which it may be sent.
    pub(super) fn spend(&mut self, free: bool, at: Moment) -> Result<(), Instant> {
        if !free {
            self.budget.take(at.now)?;
        }
        self.paid = !free;
        Ok(())
    }

    /// The request that was out reached no active node, and does not count.
    pub(super) fn refund(&mut self) {
        if std::mem::take(&mut self.paid) {
            self.budget.refund();
        }
    }

    /// The token is gone before another was there.
    pub(super) fn replace_lost(&mut self, free: bool, at: Moment) {
        self.renew_at = None;
        // A renewal that is out comes too late.
        self.flight.take_if(|flight| *flight == Flight::Renewal);
        match &self.trouble {
            None => self.log_in(at, free),
            Some(trouble) if trouble.unreached => self.probe_next(at),
            // What keeps logins from being made keeps them from being made now too.
            Some(_) => {}
        }
    }

    pub(super) fn logged_in(&mut self, login: Login, asked: Instant, at: Moment) {
        if !self.landed(Flight::Login) {
            return;
        }
        let on_trial = std::mem::take(&mut self.on_trial);
        if self.dead.as_ref().is_some_and(|dead| dead.expose() == login.token.expose()) {
            let error = Error::new(ErrorKind::TokenInvalid, "log in");
            self.reject(error.with_detail("there is no other credential"), at);
            return self.end_trial(at);
        }
        let same = self.held.take_if(|held| held.is(&login.token));
        if let Some(same) = same {
            self.seen_again(same, login, asked, at);
        } else if on_trial
            && self.held.as_ref().is_some_and(|held| !held.has_other_policies(&login))
        {
            // Nobody has used it.
            self.actions.extend(login.revocable.then_some(Action::Revoke(login.token)));
        } else {
            self.replace(login, asked, at);
        }
        self.end_trial(at);
    }

    /// Takes another token into use.
    fn replace(&mut self, login: Login, asked: Instant, at: Moment) {
        let revoke = self.config.revoke_replaced;
        let replaced = self.held.take().filter(|_| revoke).and_then(|held| held.retire(at.now));
        let before = std::mem::replace(&mut self.retired, replaced);
        // At most two tokens live.
        let before = before.and_then(|before| before.alive(at.now));
        self.actions.extend(before.map(Action::Revoke));
        self.refusals.clear();
        self.generation = self.generation.next();
        self.counts.logins += 1;
        self.hold(Held::new(login, asked, self.generation), at);
    }

    /// The credential is the token itself, and still the same one. That is a refusal only if the token
    /// was due to be replaced.
    fn seen_again(&mut self, held: Held, login: Login, asked: Instant, at: Moment) {
        let seen = Held::new(login, asked, held.generation());
        // Uses are counted from the first login that gave the token.
        let longer = held.uses.is_none()
            && match (seen.death(), held.death()) {
                (Some(seen), Some(held)) => seen > held + ROUNDING,
                (seen, held) => seen.is_none() && held.is_some(),
            };
        let due = held.replace_at.is_some_and(|due| due <= at.now);
        self.hold(if longer { seen } else { held }, at);
        if longer || !due {
            self.refusals.clear();
        } else {
            let error = Error::new(ErrorKind::LoginRefused, "log in");
            self.reject(error.with_detail("the credential gives the same token"), at);
        }
    }

    /// Takes a token into use, and plans what it needs.
    fn hold(&mut self, held: Held, at: Moment) {
        (self.trouble, self.failures) = (None, 0);
        self.held = Some(held);
        self.plan(at);
    }

    pub(super) fn plan(&mut self, at: Moment) {
        let Some(held) = &mut self.held else { return };
        let after = |held: &Held, point: fn(Instant, Duration, f64) -> Option<Instant>| {
            held.term.and_then(|term| point(held.asked, term, at.chance))
        };
        let renewed = held.renewable && self.forbidden < 2;
        held.replace_at = after(held, timing::login);
        self.login_at = held.replace_at;
        self.renew_at = renewed.then(|| after(held, timing::renewal)).flatten();
    }

    pub(super) fn login_failed(&mut self, failure: Failure, at: Moment) {
        if !self.landed(Flight::Login) {
            return;
        }
        if failure.unreached {
            self.refund();
        }
        let on_trial = std::mem::take(&mut self.on_trial) && self.held.is_some();
        if failure.refused {
            self.counts.refusals += 1;
            self.reject(failure.error, at);
        } else {
            self.counts.failures += 1;
            // The token in use is well, and was not due to be replaced.
            if !on_trial {
                self.wait_after(failure, at);
            }
        }
        self.end_trial(at);
    }

    /// Plans the next try after a login that nobody refused.
    fn wait_after(&mut self, failure: Failure, at: Moment) {
        let Failure { error, again, unreached, after, .. } = failure;
        self.failures = self.failures.saturating_add(1);
        let quick = timing::quick(self.failures, at.chance).filter(|_| again);
        if let (Some(wait), None, None) = (quick, &self.held, after) {
            self.login_at = Some(at.now + wait);
            return;
        }
        self.trouble = Some(Trouble { error, rejected: false, unreached });
        if unreached && self.held.is_none() {
            return self.probe_next(at);
        }
        let most = if self.held.is_some() { LONGEST_WAIT_IN_USE } else { LONGEST_WAIT };
        let wait = timing::backoff(self.failures, most, at.chance);
        self.login_at = Some(at.now + wait.max(after.unwrap_or_default().min(LONGEST_WAIT)));
    }

    /// Asks for the server's health before the next login: there is no token, and no active node.
    fn probe_next(&mut self, at: Moment) {
        (self.login_at, self.probe_at) = (None, Some(at.now + timing::probe(at.chance)));
    }

    pub(super) fn probe(&mut self) {
        self.probe_at = None;
        self.actions.push(Action::Probe);
    }

    pub(super) fn probed(&mut self, reached: bool, at: Moment) {
        let waits = self.trouble.as_ref().is_some_and(|trouble| trouble.unreached);
        if self.flight.is_some() || self.held.is_some() || !waits {
            return;
        }
        if reached { self.log_in(at, false) } else { self.probe_next(at) }
    }

    fn reject(&mut self, error: Error, at: Moment) {
        self.refusals.record(at.now);
        self.login_at = Some(self.refusals.next(at.now, self.config.locks_out));
        self.trouble = Some(Trouble { error, rejected: true, unreached: false });
    }

    pub(super) fn used(&mut self, generation: Generation, up: bool, at: Moment) {
        if up && let Some(held) = self.held.take_if(|held| held.generation() == generation) {
            // A credential that is this token gives no other one.
            self.dead = Some(held.lease.token);
            self.replace_lost(true, at);
        } else if self.holds(generation) && self.trouble.is_none() {
            self.log_in(at, true);
        }
    }

    pub(super) fn credential_changed(&mut self, log_in: bool, at: Moment) {
        let waits = self.trouble.is_some() && self.flight.is_none();
        let wanted = waits || (log_in && self.state() == State::Active);
        if !wanted {
            return;
        }
        let next = self.refusals.next_changed(at.now, self.config.locks_out);
        if next <= at.now {
            self.log_in(at, false);
        } else {
            self.login_at = Some(next);
        }
    }
}

fn too_many() -> Error {
    let detail = "six logins and renewals were made within a minute";
    Error::new(ErrorKind::RateLimited, "log in").with_detail(detail)
}
