//! The part of a token's life that is about logins: when one is made, and what comes of it.

use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Error, Generation, Kind};

use super::event::{Action, Failure};
use super::held::Held;
use super::{Flight, Life, Moment, Trouble, timing};
use crate::login::Login;
use crate::status::State;

/// A refused credential is not tried again before this: userpass and AppRole lock out who does.
const REFUSED_FOR: Duration = Duration::from_secs(300);
/// Longest wait between two logins where there is no token to use meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// The same where there is one.
pub(super) const LONGEST_WAIT_IN_USE: Duration = Duration::from_secs(60);
/// A server counts leases in whole seconds: what is longer by less is not longer.
const ROUNDING: Duration = Duration::from_secs(5);

impl Life {
    /// Logs in, unless a login is out already. `free`: a short lease makes it necessary.
    pub(super) fn log_in(&mut self, at: Moment, free: bool) {
        if self.flight == Some(Flight::Login) {
            return;
        }
        if !free && let Err(next) = self.budget.take(at.now) {
            self.login_at = Some(next);
            let error = self.trouble.take().map_or_else(too_many, |trouble| trouble.error);
            self.trouble = Some(Trouble { error, rejected: false });
            return;
        }
        self.login_at = None;
        self.flight = Some(Flight::Login);
        self.actions.push(Action::LogIn);
    }

    /// The token is gone before another was there.
    pub(super) fn replace_lost(&mut self, free: bool, at: Moment) {
        self.renew_at = None;
        // A renewal that is out comes too late.
        self.flight.take_if(|flight| *flight == Flight::Renewal);
        // What keeps logins from being made keeps them from being made now too.
        if self.trouble.is_none() {
            self.log_in(at, free);
        }
    }

    pub(super) fn logged_in(&mut self, login: Login, asked: Instant, at: Moment) {
        if !self.landed(Flight::Login) {
            return;
        }
        if self.dead.as_ref().is_some_and(|dead| dead.expose() == login.token.expose()) {
            let error = Error::new(Kind::TokenInvalid, "log in");
            return self.reject(error.with_detail("there is no other credential"), at);
        }
        let same = self.held.take_if(|held| held.is(&login.token));
        if let Some(same) = same {
            return self.seen_again(same, login, asked, at);
        }
        let replaced = self.held.take().and_then(|held| held.retire(at.now));
        let before = std::mem::replace(&mut self.retired, replaced);
        // At most two tokens live.
        let before = before.and_then(|before| before.alive(at.now));
        self.actions.extend(before.map(Action::Revoke));
        self.generation = self.generation.next();
        self.counts.logins += 1;
        self.hold(Held::new(login, asked, self.generation), at);
    }

    /// A credential that is itself the token, and still the same one.
    fn seen_again(&mut self, held: Held, login: Login, asked: Instant, at: Moment) {
        let seen = Held::new(login, asked, held.generation());
        let longer = match (seen.death(), held.death()) {
            (Some(seen), Some(held)) => seen > held + ROUNDING,
            (seen, held) => seen.is_none() && held.is_some(),
        };
        self.hold(seen, at);
        if !longer {
            let error = Error::new(Kind::LoginRefused, "log in");
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
        let Some(held) = &self.held else { return };
        let after = |point: fn(Instant, Duration, f64) -> Option<Instant>| {
            held.term.and_then(|term| point(held.asked, term, at.chance))
        };
        let renewed = held.renewable && self.forbidden < 2;
        self.login_at = after(timing::login);
        self.renew_at = renewed.then(|| after(timing::renewal)).flatten();
    }

    pub(super) fn login_failed(&mut self, failure: Failure, at: Moment) {
        let Failure { error, refused, again, after } = failure;
        if !self.landed(Flight::Login) {
            return;
        }
        if refused {
            self.counts.refusals += 1;
            return self.reject(error, at);
        }
        self.counts.failures += 1;
        self.failures = self.failures.saturating_add(1);
        let quick = timing::quick(self.failures, at.chance).filter(|_| again);
        if let (Some(wait), None, None) = (quick, &self.held, after) {
            self.login_at = Some(at.now + wait);
            return;
        }
        let most = if self.held.is_some() { LONGEST_WAIT_IN_USE } else { LONGEST_WAIT };
        let wait = timing::backoff(self.failures, most, at.chance);
        self.login_at = Some(at.now + wait.max(after.unwrap_or_default().min(LONGEST_WAIT)));
        self.trouble = Some(Trouble { error, rejected: false });
    }

    fn reject(&mut self, error: Error, at: Moment) {
        self.login_at = Some(at.now + REFUSED_FOR);
        self.trouble = Some(Trouble { error, rejected: true });
    }

    pub(super) fn used(&mut self, generation: Generation, up: bool, at: Moment) {
        if up && self.held.take_if(|held| held.generation() == generation).is_some() {
            self.replace_lost(true, at);
        } else if self.holds(generation) && self.trouble.is_none() {
            self.log_in(at, true);
        }
    }

    pub(super) fn credential_changed(&mut self, log_in: bool, at: Moment) {
        let waits = self.trouble.is_some() && self.flight.is_none();
        if waits || (log_in && self.state() == State::Active) {
            self.log_in(at, false);
        }
    }
}

fn too_many() -> Error {
    let detail = "six logins and renewals were made within a minute";
    Error::new(Kind::RateLimited, "log in").with_detail(detail)
}
