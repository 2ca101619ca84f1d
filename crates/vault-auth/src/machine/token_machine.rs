//! The state of the token machine, and what can be read from it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Error, Generation, Token};

use super::active::{ActiveToken, ReplacedToken};
use super::budget::Budget;
use super::event::Action;
use super::refusals::Refusals;
use crate::status::{Counts, Snapshot, State};

/// The lease below which scheduled requests are exempt from the budget, which they would exhaust.
const SHORT_LEASE: Duration = Duration::from_secs(300);
/// The shortest lease that a server grants. Anything shorter is not exempt from the budget.
const MIN_LEASE: Duration = Duration::from_secs(1);

/// The configuration of the machine, from the login method and the builder.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Config {
    /// Whether replaced tokens are revoked.
    pub(crate) revoke_replaced: bool,
    /// Whether a login can be made at any time.
    pub(crate) repeatable: bool,
    /// Whether the server locks out a role or user after failed logins.
    pub(crate) locks_out: bool,
}

/// The login or renewal that is in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InFlight {
    Login,
    Renewal,
}

/// The reason why the last login failed.
#[derive(Debug, Clone)]
pub(super) struct LoginProblem {
    pub(super) error: Error,
    /// The credential is refused.
    pub(super) rejected: bool,
    /// There is no active node.
    pub(super) no_active_node: bool,
}

/// The state machine of one token source.
#[derive(Debug, Default)]
pub(crate) struct TokenMachine {
    pub(super) config: Config,
    pub(super) active: Option<ActiveToken>,
    pub(super) replaced: Option<ReplacedToken>,
    pub(super) in_flight: Option<InFlight>,
    pub(super) renew_at: Option<Instant>,
    pub(super) login_at: Option<Instant>,
    pub(super) probe_at: Option<Instant>,
    pub(super) problem: Option<LoginProblem>,
    pub(super) budget: Budget,
    pub(super) refusals: Refusals,
    pub(super) generation: Generation,
    /// The last token that was found dead. A login that returns it again has failed.
    pub(super) last_dead: Option<Token>,
    /// Failed logins and renewals in a row.
    pub(super) consecutive_failures: u32,
    /// Tokens in a row whose renewal a policy denied.
    pub(super) consecutive_forbidden: u32,
    /// The generation that is being looked up.
    pub(super) verifying: Option<Generation>,
    /// The generation that was last found alive, and when.
    pub(super) confirmed_alive: Option<(Generation, Instant)>,
    /// Whether the login in flight is a trial: it only shows the role's current policies.
    pub(super) trial_login: bool,
    /// When the last trial login was sent.
    pub(super) last_trial_at: Option<Instant>,
    /// The generation whose denial waits for the trial login, and the end of this wait.
    pub(super) awaiting_trial: Option<(Generation, Instant)>,
    pub(super) counts: Counts,
    pub(super) actions: Vec<Action>,
}

impl TokenMachine {
    pub(crate) fn new(config: Config) -> Self {
        Self { config, ..Self::default() }
    }

    /// Returns when the next [`Event::Tick`](super::Event::Tick) is needed.
    pub(crate) fn next_wakeup(&self) -> Option<Instant> {
        let expiry = self.active.as_ref().and_then(ActiveToken::usable_until);
        let revocation = self.replaced.as_ref().map(|replaced| replaced.revoke_at);
        let trial = self.awaiting_trial.map(|(_, until)| until);
        let scheduled = [self.renew_at, self.login_at, self.probe_at].into_iter().flatten();
        let scheduled = if self.in_flight.is_none() { scheduled.min() } else { None };
        [expiry, revocation, trial, scheduled].into_iter().flatten().min()
    }

    pub(crate) fn active(&self) -> Option<&ActiveToken> {
        self.active.as_ref()
    }

    /// Takes all tokens that this source may revoke.
    pub(crate) fn take_revocable_tokens(&mut self, now: Instant) -> Vec<Token> {
        let replaced = self.replaced.take().and_then(|replaced| replaced.into_unexpired(now));
        let active = self.active.take().and_then(|active| active.revocable_token());
        active.into_iter().chain(replaced).collect()
    }

    pub(crate) fn is_logging_in(&self) -> bool {
        self.in_flight == Some(InFlight::Login)
    }

    pub(crate) fn state(&self) -> State {
        match (self.in_flight, &self.problem, &self.active) {
            (Some(InFlight::Renewal), ..) => State::Renewing,
            (Some(InFlight::Login), _, Some(_)) => State::Draining,
            (Some(InFlight::Login), _, None) => State::LoggingIn,
            (None, Some(problem), _) if problem.rejected => State::Rejected,
            (None, Some(_), _) => State::Degraded,
            (None, None, Some(_)) => State::Active,
            // Between two quick retries.
            (None, None, None) if self.login_at.is_some() => State::LoggingIn,
            (None, None, None) => State::Empty,
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: self.state(),
            kind: self.active.as_ref().map(ActiveToken::kind),
            generation: self.generation,
            usable_until: self.active.as_ref().and_then(ActiveToken::usable_until),
            login: self.active.as_ref().map(|active| Arc::clone(&active.info)),
            counts: self.counts,
            error: self.problem.as_ref().map(|problem| problem.error.clone()),
            fails_waiters: self.active.is_none() && self.in_flight.is_none(),
        }
    }

    /// Marks `request` as completed. Returns `false` if it was not in flight.
    pub(super) fn complete(&mut self, request: InFlight) -> bool {
        self.in_flight.take_if(|in_flight| *in_flight == request).is_some()
    }

    pub(super) fn is_active(&self, generation: Generation) -> bool {
        self.active.as_ref().is_some_and(|active| active.generation() == generation)
    }
}

/// Returns whether the full lease of a token is short. A long lease that the maximum TTL cuts short
/// does not count, because it needs only one login.
pub(super) fn has_short_lease(active: &ActiveToken) -> bool {
    active.increment.is_some_and(|full| (MIN_LEASE..SHORT_LEASE).contains(&full))
}
