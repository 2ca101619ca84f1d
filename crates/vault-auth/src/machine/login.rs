//! The part of the token machine that decides when to log in, and what to do with the outcome.

use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Error, ErrorKind, Generation};

use super::active::ActiveToken;
use super::event::{Action, LoginFailure};
use super::timing::{self, MAX_BACKOFF, MAX_BACKOFF_WITH_TOKEN};
use super::token_machine::{InFlight, LoginProblem, Moment, TokenMachine};
use crate::login::Login;
use crate::status::State;

/// A server counts leases in whole seconds: what is longer by less is not longer.
const ROUNDING: Duration = Duration::from_secs(5);

impl TokenMachine {
    /// Logs in, unless a login is out already. `free`: a short lease makes it necessary.
    pub(super) fn log_in(&mut self, at: Moment, exempt: bool) {
        if self.in_flight == Some(InFlight::Login) {
            return;
        }
        if let Err(next) = self.spend_budget(exempt, at) {
            self.login_at = Some(next);
            // A token in use does without for a minute.
            if self.active.is_none() || self.problem.is_some() {
                let error =
                    self.problem.take().map_or_else(budget_exhausted, |trouble| trouble.error);
                self.problem = Some(LoginProblem { error, rejected: false, no_active_node: false });
            }
            return;
        }
        (self.login_at, self.probe_at) = (None, None);
        self.in_flight = Some(InFlight::Login);
        self.actions.push(Action::LogIn);
    }

    /// Takes a request out of the budget, unless it is `free`.
    ///
    /// # Errors
    /// The time at which it may be sent.
    pub(super) fn spend_budget(&mut self, exempt: bool, at: Moment) -> Result<(), Instant> {
        if !exempt {
            self.budget.take(at.now)?;
        }
        self.counted_in_budget = !exempt;
        Ok(())
    }

    /// The request that was out reached no active node, and does not count.
    pub(super) fn refund_budget(&mut self) {
        if std::mem::take(&mut self.counted_in_budget) {
            self.budget.refund();
        }
    }

    /// The token is gone before another was there.
    pub(super) fn replace_lost_token(&mut self, exempt: bool, at: Moment) {
        self.renew_at = None;
        // A renewal that is out comes too late.
        self.in_flight.take_if(|flight| *flight == InFlight::Renewal);
        match &self.problem {
            None => self.log_in(at, exempt),
            Some(trouble) if trouble.no_active_node => self.schedule_probe(at),
            // What keeps logins from being made keeps them from being made now too.
            Some(_) => {}
        }
    }

    pub(super) fn logged_in(&mut self, login: Login, asked: Instant, at: Moment) {
        if !self.complete(InFlight::Login) {
            return;
        }
        let on_trial = std::mem::take(&mut self.trial_login);
        if self.last_dead.as_ref().is_some_and(|dead| dead.expose() == login.token.expose()) {
            let error = Error::new(ErrorKind::TokenInvalid, "log in");
            self.reject(error.with_detail("there is no other credential"), at);
            return self.finish_trial(at);
        }
        let same = self.active.take_if(|held| held.is_same_token(&login.token));
        if let Some(same) = same {
            self.keep_same_token(same, login, asked, at);
        } else if on_trial
            && self.active.as_ref().is_some_and(|held| !held.has_other_policies(&login))
        {
            // Nobody has used it.
            self.actions.extend(login.revocable.then_some(Action::Revoke(login.token)));
        } else {
            self.switch_to(login, asked, at);
        }
        self.finish_trial(at);
    }

    /// Takes another token into use.
    fn switch_to(&mut self, login: Login, asked: Instant, at: Moment) {
        let revoke = self.config.revoke_replaced;
        let replaced =
            self.active.take().filter(|_| revoke).and_then(|held| held.into_replaced(at.now));
        let before = std::mem::replace(&mut self.replaced, replaced);
        // At most two tokens live.
        let before = before.and_then(|before| before.into_unexpired(at.now));
        self.actions.extend(before.map(Action::Revoke));
        self.refusals.clear();
        self.generation = self.generation.next();
        self.counts.logins += 1;
        self.activate(ActiveToken::new(login, asked, self.generation), at);
    }

    /// The credential is the token itself, and still the same one. That is a refusal only if the token
    /// was due to be replaced.
    fn keep_same_token(&mut self, held: ActiveToken, login: Login, asked: Instant, at: Moment) {
        let seen = ActiveToken::new(login, asked, held.generation());
        // Uses are counted from the first login that gave the token.
        let longer = held.uses.is_none()
            && match (seen.expires_at(), held.expires_at()) {
                (Some(seen), Some(held)) => seen > held + ROUNDING,
                (seen, held) => seen.is_none() && held.is_some(),
            };
        let due = held.replace_at.is_some_and(|due| due <= at.now);
        self.activate(if longer { seen } else { held }, at);
        if longer || !due {
            self.refusals.clear();
        } else {
            let error = Error::new(ErrorKind::LoginRefused, "log in");
            self.reject(error.with_detail("the credential gives the same token"), at);
        }
    }

    /// Takes a token into use, and plans what it needs.
    fn activate(&mut self, held: ActiveToken, at: Moment) {
        (self.problem, self.consecutive_failures) = (None, 0);
        self.active = Some(held);
        self.schedule(at);
    }

    pub(super) fn schedule(&mut self, at: Moment) {
        let Some(held) = &mut self.active else { return };
        let after = |held: &ActiveToken, point: fn(Instant, Duration, f64) -> Option<Instant>| {
            held.lease.and_then(|term| point(held.lease_start, term, at.jitter))
        };
        let renewed = held.renewable && self.consecutive_forbidden < 2;
        held.replace_at = after(held, timing::replace_at);
        self.login_at = held.replace_at;
        self.renew_at = renewed.then(|| after(held, timing::renew_at)).flatten();
    }

    pub(super) fn login_failed(&mut self, failure: LoginFailure, at: Moment) {
        if !self.complete(InFlight::Login) {
            return;
        }
        if failure.no_active_node {
            self.refund_budget();
        }
        let on_trial = std::mem::take(&mut self.trial_login) && self.active.is_some();
        if failure.refused {
            self.counts.refusals += 1;
            self.reject(failure.error, at);
        } else {
            self.counts.failures += 1;
            // The token in use is well, and was not due to be replaced.
            if !on_trial {
                self.schedule_retry(failure, at);
            }
        }
        self.finish_trial(at);
    }

    /// Plans the next try after a login that nobody refused.
    fn schedule_retry(&mut self, failure: LoginFailure, at: Moment) {
        let LoginFailure {
            error,
            retry_now: again,
            no_active_node: unreached,
            retry_after: after,
            ..
        } = failure;
        self.consecutive_failures = self.consecutive_failures.saturating_add(1);
        let quick = timing::quick_retry(self.consecutive_failures, at.jitter).filter(|_| again);
        if let (Some(wait), None, None) = (quick, &self.active, after) {
            self.login_at = Some(at.now + wait);
            return;
        }
        self.problem = Some(LoginProblem { error, rejected: false, no_active_node: unreached });
        if unreached && self.active.is_none() {
            return self.schedule_probe(at);
        }
        let most = if self.active.is_some() { MAX_BACKOFF_WITH_TOKEN } else { MAX_BACKOFF };
        let wait = timing::backoff(self.consecutive_failures, most, at.jitter);
        self.login_at = Some(at.now + wait.max(after.unwrap_or_default().min(MAX_BACKOFF)));
    }

    /// Asks for the server's health before the next login: there is no token, and no active node.
    fn schedule_probe(&mut self, at: Moment) {
        (self.login_at, self.probe_at) = (None, Some(at.now + timing::probe_delay(at.jitter)));
    }

    pub(super) fn probe(&mut self) {
        self.probe_at = None;
        self.actions.push(Action::Probe);
    }

    pub(super) fn probed(&mut self, reached: bool, at: Moment) {
        let waits = self.problem.as_ref().is_some_and(|trouble| trouble.no_active_node);
        if self.in_flight.is_some() || self.active.is_some() || !waits {
            return;
        }
        if reached { self.log_in(at, false) } else { self.schedule_probe(at) }
    }

    fn reject(&mut self, error: Error, at: Moment) {
        self.refusals.record(at.now);
        self.login_at = Some(self.refusals.next_attempt(at.now, self.config.locks_out));
        self.problem = Some(LoginProblem { error, rejected: true, no_active_node: false });
    }

    pub(super) fn uses_low(&mut self, generation: Generation, up: bool, at: Moment) {
        if up && let Some(held) = self.active.take_if(|held| held.generation() == generation) {
            // A credential that is this token gives no other one.
            self.last_dead = Some(held.issued.token);
            self.replace_lost_token(true, at);
        } else if self.is_active(generation) && self.problem.is_none() {
            self.log_in(at, true);
        }
    }

    pub(super) fn credential_changed(&mut self, log_in: bool, at: Moment) {
        let waits = self.problem.is_some() && self.in_flight.is_none();
        let wanted = waits || (log_in && self.state() == State::Active);
        if !wanted {
            return;
        }
        let next = self.refusals.next_attempt_if_changed(at.now, self.config.locks_out);
        if next <= at.now {
            self.log_in(at, false);
        } else {
            self.login_at = Some(next);
        }
    }
}

fn budget_exhausted() -> Error {
    let detail = "six logins and renewals were made within a minute";
    Error::new(ErrorKind::RateLimited, "log in").with_detail(detail)
}
