//! Logins: when one is made, and what follows from its result.

use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Error, ErrorKind, Generation};

use super::active::ActiveToken;
use super::event::{Action, LoginFailure, Moment};
use super::timing::{self, MAX_BACKOFF, MAX_BACKOFF_WITH_TOKEN};
use super::token_machine::{InFlight, LoginProblem, TokenMachine};
use crate::login::Login;
use crate::status::State;

/// The difference below which two expiry times are equal, because a server counts whole seconds.
const ROUNDING: Duration = Duration::from_secs(5);

impl TokenMachine {
    /// Logs in, unless a login is in flight. `exempt`: from the budget.
    pub(super) fn log_in(&mut self, at: Moment, exempt: bool) {
        if self.in_flight == Some(InFlight::Login) {
            return;
        }
        if let Err(next) = self.budget.spend(exempt, at.now) {
            self.login_at = Some(next);
            // An active token without a problem bridges the delay, which is a minute at most.
            if self.active.is_none() || self.problem.is_some() {
                let error = self.problem.take().map(|problem| problem.error);
                let error = error.unwrap_or_else(budget_exhausted);
                self.problem = Some(LoginProblem { error, rejected: false, no_active_node: false });
            }
            return;
        }
        (self.login_at, self.probe_at) = (None, None);
        self.in_flight = Some(InFlight::Login);
        self.actions.push(Action::LogIn);
    }

    /// Replaces an active token that was lost before a new one was there.
    pub(super) fn replace_lost_token(&mut self, exempt: bool, at: Moment) {
        self.renew_at = None;
        // A renewal in flight is too late.
        self.in_flight.take_if(|request| *request == InFlight::Renewal);
        match &self.problem {
            None => self.log_in(at, exempt),
            Some(problem) if problem.no_active_node => self.schedule_probe(at),
            // A retry of the login is scheduled already.
            Some(_) => {}
        }
    }

    pub(super) fn logged_in(&mut self, login: Login, sent_at: Instant, at: Moment) {
        let is_trial = std::mem::take(&mut self.trial_login);
        if self.last_dead.as_ref().is_some_and(|dead| dead.expose() == login.token.expose()) {
            let error = Error::new(ErrorKind::TokenInvalid, "log in");
            return self.reject(error.with_detail("the credential yields the same dead token"), at);
        }
        if let Some(same) = self.active.take_if(|active| active.is_same_token(&login.token)) {
            self.keep_same_token(same, login, sent_at, at);
        } else if is_trial && self.has_same_policies(&login) {
            // No caller has received the new token.
            self.actions.extend(login.revocable.then_some(Action::Revoke(login.token)));
        } else {
            self.switch_to(login, sent_at, at);
        }
    }

    fn has_same_policies(&self, login: &Login) -> bool {
        self.active.as_ref().is_some_and(|active| !active.has_other_policies(login))
    }

    /// Replaces the active token by a new one.
    fn switch_to(&mut self, login: Login, sent_at: Instant, at: Moment) {
        let revoke = self.config.revoke_replaced;
        let last = self.active.take().filter(|_| revoke);
        let last = last.and_then(|last| last.into_replaced(at.now));
        // At most two tokens are valid, so the one before the last is revoked now.
        let older = std::mem::replace(&mut self.replaced, last);
        let older = older.and_then(|older| older.into_unexpired(at.now));
        self.actions.extend(older.map(Action::Revoke));
        self.refusals.clear();
        self.generation = self.generation.next();
        self.counts.logins += 1;
        self.activate(ActiveToken::new(login, sent_at, self.generation), at);
    }

    /// Handles a login that returned the active token, because the credential is the token itself.
    /// This is a refusal only if the token was due to be replaced.
    fn keep_same_token(&mut self, token: ActiveToken, login: Login, sent_at: Instant, at: Moment) {
        let again = ActiveToken::new(login, sent_at, token.generation());
        // Uses are counted from the first login that returned the token.
        let is_extended = token.uses.is_none()
            && match (again.expires_at(), token.expires_at()) {
                (Some(again), Some(before)) => again > before + ROUNDING,
                (again, before) => again.is_none() && before.is_some(),
            };
        let is_due = token.replace_at.is_some_and(|due| due <= at.now);
        self.activate(if is_extended { again } else { token }, at);
        if is_extended || !is_due {
            self.refusals.clear();
        } else {
            let error = Error::new(ErrorKind::LoginRefused, "log in");
            self.reject(error.with_detail("the credential yields the same expiring token"), at);
        }
    }

    /// Makes a token the active one, and schedules its renewal and replacement.
    fn activate(&mut self, token: ActiveToken, at: Moment) {
        (self.problem, self.consecutive_failures) = (None, 0);
        self.active = Some(token);
        self.schedule(at);
    }

    /// Schedules the renewal and the replacement of the active token.
    pub(super) fn schedule(&mut self, at: Moment) {
        let Some(active) = &mut self.active else { return };
        let after = |active: &ActiveToken, point: fn(Instant, Duration, f64) -> Option<Instant>| {
            active.lease.and_then(|lease| point(active.lease_start, lease, at.jitter))
        };
        let renews = active.renewable && self.consecutive_forbidden < 2;
        active.replace_at = after(active, timing::replace_at);
        self.login_at = active.replace_at;
        self.renew_at = renews.then(|| after(active, timing::renew_at)).flatten();
    }

    pub(super) fn login_failed(&mut self, failure: LoginFailure, at: Moment) {
        if failure.no_active_node {
            self.budget.refund();
        }
        let is_trial = std::mem::take(&mut self.trial_login) && self.active.is_some();
        if failure.refused {
            self.counts.refusals += 1;
            self.reject(failure.error, at);
        } else {
            self.counts.failures += 1;
            // After a trial, the active token is valid and not due to be replaced.
            if !is_trial {
                self.schedule_retry(failure, at);
            }
        }
    }

    /// Schedules the retry of a login that failed for another reason than the credential.
    fn schedule_retry(&mut self, failure: LoginFailure, at: Moment) {
        let LoginFailure { error, retry_now, no_active_node, retry_after, .. } = failure;
        self.consecutive_failures = self.consecutive_failures.saturating_add(1);
        let quick = timing::quick_retry(self.consecutive_failures, at.jitter);
        if let (Some(delay), None, None) = (quick.filter(|_| retry_now), &self.active, retry_after)
        {
            self.login_at = Some(at.now + delay);
            return;
        }
        self.problem = Some(LoginProblem { error, rejected: false, no_active_node });
        if no_active_node && self.active.is_none() {
            return self.schedule_probe(at);
        }
        let max = if self.active.is_some() { MAX_BACKOFF_WITH_TOKEN } else { MAX_BACKOFF };
        let backoff = timing::backoff(self.consecutive_failures, max, at.jitter);
        let delay = backoff.max(retry_after.unwrap_or_default().min(MAX_BACKOFF));
        self.login_at = Some(at.now + delay);
    }

    /// Schedules a health probe in place of a login, because there is no token and no active node.
    fn schedule_probe(&mut self, at: Moment) {
        (self.login_at, self.probe_at) = (None, Some(at.now + timing::probe_delay(at.jitter)));
    }

    pub(super) fn probe(&mut self) {
        self.probe_at = None;
        self.actions.push(Action::Probe);
    }

    pub(super) fn probed(&mut self, can_log_in: bool, at: Moment) {
        let is_waiting = self.problem.as_ref().is_some_and(|problem| problem.no_active_node);
        if self.in_flight.is_some() || self.active.is_some() || !is_waiting {
            return;
        }
        if can_log_in { self.log_in(at, false) } else { self.schedule_probe(at) }
    }

    fn reject(&mut self, error: Error, at: Moment) {
        self.refusals.record(at.now);
        self.login_at = Some(self.refusals.next_attempt(at.now, self.config.locks_out));
        self.problem = Some(LoginProblem { error, rejected: true, no_active_node: false });
    }

    pub(super) fn uses_low(&mut self, generation: Generation, exhausted: bool, at: Moment) {
        let is_current = |active: &mut ActiveToken| active.generation() == generation;
        if exhausted && let Some(active) = self.active.take_if(is_current) {
            // A credential that is the token itself yields no other one.
            self.last_dead = Some(active.issued.token);
            self.replace_lost_token(true, at);
        } else if self.is_active(generation) && self.problem.is_none() {
            self.log_in(at, true);
        }
    }

    pub(super) fn credential_changed(&mut self, log_in_now: bool, at: Moment) {
        let retries = self.problem.is_some() && self.in_flight.is_none();
        let replaces = log_in_now && self.state() == State::Active;
        if !(retries || replaces) {
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
    let detail = "rate limited: six logins and renewals were made within a minute";
    Error::new(ErrorKind::RateLimited, "log in").with_detail(detail)
}
