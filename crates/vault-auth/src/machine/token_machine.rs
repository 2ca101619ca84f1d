//! The state of a token machine.

use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Error, Generation, Token};

use super::active::{ActiveToken, ReplacedToken};
use super::budget::Budget;
use super::event::Action;
use super::refusals::Refusals;
use crate::status::{Counts, Snapshot, State};

/// What a lease below this makes necessary comes on top of the budget: it would starve otherwise.
const SHORT_LEASE: Duration = Duration::from_secs(300);
/// The shortest lease that a server gives. What is shorter is no lease to live by.
const MIN_LEASE: Duration = Duration::from_secs(1);

/// What the login method and the program choose.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Config {
    /// Whether a token that was replaced is revoked.
    pub(crate) revoke_replaced: bool,
    /// Whether a login can be made at any time.
    pub(crate) repeatable: bool,
    /// Whether the server locks out who fails to log in.
    pub(crate) locks_out: bool,
}

/// The moment of an event, and a number drawn from 0 to 1 for what it may plan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Instant,
    pub(crate) jitter: f64,
}

/// A request about the token that is out. There is never more than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InFlight {
    Login,
    Renewal,
}

/// Why no login can be made.
#[derive(Debug, Clone)]
pub(super) struct LoginProblem {
    pub(super) error: Error,
    /// The credential is refused.
    pub(super) rejected: bool,
    /// There is no active node.
    pub(super) no_active_node: bool,
}

/// One token source's token, from the first login on.
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
    /// Whether the request that is out was taken out of the budget.
    pub(super) counted_in_budget: bool,
    pub(super) refusals: Refusals,
    pub(super) generation: Generation,
    /// The last token that was found dead: a "login" that gives it again gives nothing.
    pub(super) last_dead: Option<Token>,
    /// Failures in a row, of logins and renewals together.
    pub(super) consecutive_failures: u32,
    /// Tokens in a row that a policy kept from being renewed.
    pub(super) consecutive_forbidden: u32,
    /// The generation that is being looked up.
    pub(super) verifying: Option<Generation>,
    /// When a generation was last seen alive.
    pub(super) confirmed_alive: Option<(Generation, Instant)>,
    /// Whether the login that is out only shows the role's policies.
    pub(super) trial_login: bool,
    /// When the last login on trial was made.
    pub(super) last_trial_at: Option<Instant>,
    /// The generation whose denial waits for the login on trial, and until when.
    pub(super) awaiting_trial: Option<(Generation, Instant)>,
    pub(super) counts: Counts,
    pub(super) actions: Vec<Action>,
}

impl TokenMachine {
    pub(crate) fn new(config: Config) -> Self {
        Self { config, ..Self::default() }
    }

    /// When a [`Event::Tick`] is wanted.
    pub(crate) fn next_wakeup(&self) -> Option<Instant> {
        let end = self.active.as_ref().and_then(ActiveToken::usable_until);
        let revoke = self.replaced.as_ref().map(|retired| retired.revoke_at);
        let awaited = self.awaiting_trial.map(|(_, until)| until);
        let planned = [self.renew_at, self.login_at, self.probe_at].into_iter().flatten();
        let planned = if self.in_flight.is_none() { planned.min() } else { None };
        [end, revoke, awaited, planned].into_iter().flatten().min()
    }

    pub(crate) fn active(&self) -> Option<&ActiveToken> {
        self.active.as_ref()
    }

    /// The tokens that are ours to revoke when all is over.
    pub(crate) fn take_revocable_tokens(&mut self, now: Instant) -> Vec<Token> {
        let retired = self.replaced.take().and_then(|retired| retired.into_unexpired(now));
        self.active
            .take()
            .and_then(|held| held.revocable_token())
            .into_iter()
            .chain(retired)
            .collect()
    }

    pub(crate) fn is_logging_in(&self) -> bool {
        self.in_flight == Some(InFlight::Login)
    }

    pub(crate) fn state(&self) -> State {
        match (self.in_flight, &self.problem, &self.active) {
            (Some(InFlight::Renewal), ..) => State::Renewing,
            (Some(InFlight::Login), _, Some(_)) => State::Draining,
            (Some(InFlight::Login), _, None) => State::LoggingIn,
            (None, Some(trouble), _) if trouble.rejected => State::Rejected,
            (None, Some(_), _) => State::Degraded,
            (None, None, Some(_)) => State::Active,
            // Between two quick tries.
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
            counts: self.counts,
            error: self.problem.as_ref().map(|trouble| trouble.error.clone()),
            fails_waiters: self.active.is_none() && self.in_flight.is_none(),
        }
    }

    /// Whether what has ended is what is out; it is not any more.
    pub(super) fn complete(&mut self, flight: InFlight) -> bool {
        self.in_flight.take_if(|out| *out == flight).is_some()
    }

    pub(super) fn is_active(&self, generation: Generation) -> bool {
        self.active.as_ref().is_some_and(|held| held.generation() == generation)
    }
}

/// What a token's greatest age leaves of a long lease is not short: it takes one login, once.
pub(super) fn has_short_lease(held: &ActiveToken) -> bool {
    held.increment.is_some_and(|full| (MIN_LEASE..SHORT_LEASE).contains(&full))
}
