//! The state of a token machine.

use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Error, Generation, Token};

use super::active::{Held, Retired};
use super::budget::Budget;
use super::event::Action;
use super::refusals::Refusals;
use crate::status::{Counts, Snapshot, State};

/// What a lease below this makes necessary comes on top of the budget: it would starve otherwise.
const BUDGETED: Duration = Duration::from_secs(300);
/// The shortest lease that a server gives. What is shorter is no lease to live by.
const SHORTEST: Duration = Duration::from_secs(1);

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
    pub(crate) chance: f64,
}

/// A request about the token that is out. There is never more than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flight {
    Login,
    Renewal,
}

/// Why no login can be made.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    pub(super) error: Error,
    /// The credential is refused.
    pub(super) rejected: bool,
    /// There is no active node.
    pub(super) unreached: bool,
}

/// One token source's token, from the first login on.
#[derive(Debug, Default)]
pub(crate) struct Life {
    pub(super) config: Config,
    pub(super) held: Option<Held>,
    pub(super) retired: Option<Retired>,
    pub(super) flight: Option<Flight>,
    pub(super) renew_at: Option<Instant>,
    pub(super) login_at: Option<Instant>,
    pub(super) probe_at: Option<Instant>,
    pub(super) trouble: Option<Trouble>,
    pub(super) budget: Budget,
    /// Whether the request that is out was taken out of the budget.
    pub(super) paid: bool,
    pub(super) refusals: Refusals,
    pub(super) generation: Generation,
    /// The last token that was found dead: a "login" that gives it again gives nothing.
    pub(super) dead: Option<Token>,
    /// Failures in a row, of logins and renewals together.
    pub(super) failures: u32,
    /// Tokens in a row that a policy kept from being renewed.
    pub(super) forbidden: u32,
    /// The generation that is being looked up.
    pub(super) settling: Option<Generation>,
    /// When a generation was last seen alive.
    pub(super) confirmed: Option<(Generation, Instant)>,
    /// Whether the login that is out only shows the role's policies.
    pub(super) on_trial: bool,
    /// When the last login on trial was made.
    pub(super) tried_at: Option<Instant>,
    /// The generation whose denial waits for the login on trial, and until when.
    pub(super) awaiting: Option<(Generation, Instant)>,
    pub(super) counts: Counts,
    pub(super) actions: Vec<Action>,
}

impl Life {
    pub(crate) fn new(config: Config) -> Self {
        Self { config, ..Self::default() }
    }

    /// When a [`Event::Tick`] is wanted.
    pub(crate) fn due(&self) -> Option<Instant> {
        let end = self.held.as_ref().and_then(Held::end);
        let revoke = self.retired.as_ref().map(|retired| retired.revoke_at);
        let awaited = self.awaiting.map(|(_, until)| until);
        let planned = [self.renew_at, self.login_at, self.probe_at].into_iter().flatten();
        let planned = if self.flight.is_none() { planned.min() } else { None };
        [end, revoke, awaited, planned].into_iter().flatten().min()
    }

    pub(crate) fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// The tokens that are ours to revoke when all is over.
    pub(crate) fn own_tokens(&mut self, now: Instant) -> Vec<Token> {
        let retired = self.retired.take().and_then(|retired| retired.alive(now));
        self.held.take().and_then(|held| held.own()).into_iter().chain(retired).collect()
    }

    pub(crate) fn is_logging_in(&self) -> bool {
        self.flight == Some(Flight::Login)
    }

    pub(crate) fn state(&self) -> State {
        match (self.flight, &self.trouble, &self.held) {
            (Some(Flight::Renewal), ..) => State::Renewing,
            (Some(Flight::Login), _, Some(_)) => State::Draining,
            (Some(Flight::Login), _, None) => State::LoggingIn,
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
            kind: self.held.as_ref().map(Held::kind),
            generation: self.generation,
            end: self.held.as_ref().and_then(Held::end),
            counts: self.counts,
            error: self.trouble.as_ref().map(|trouble| trouble.error.clone()),
            hopeless: self.held.is_none() && self.flight.is_none(),
        }
    }

    /// Whether what has ended is what is out; it is not any more.
    pub(super) fn landed(&mut self, flight: Flight) -> bool {
        self.flight.take_if(|out| *out == flight).is_some()
    }

    pub(super) fn holds(&self, generation: Generation) -> bool {
        self.held.as_ref().is_some_and(|held| held.generation() == generation)
    }
}

/// What a token's greatest age leaves of a long lease is not short: it takes one login, once.
pub(super) fn is_short(held: &Held) -> bool {
    held.full.is_some_and(|full| (SHORTEST..BUDGETED).contains(&full))
}
