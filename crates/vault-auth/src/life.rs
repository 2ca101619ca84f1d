//! The life of a token, as a state machine: what happened goes in, with the time and a random draw;
//! what is to be done comes out. It does nothing itself, and knows no task, no channel and no clock.
//!
//! The [`State`] follows from four things: the token that is held, the request that is out, what is
//! planned, and the trouble with logins, if there is any. `docs/adr/0020-token-life.md` has the
//! diagram.

mod budget;
mod event;
mod held;
mod refusals;
pub(crate) mod timing;

mod logins;
mod renewing;
mod settling;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Error, Generation, Token};

pub(crate) use event::{Action, Event, Renewal, Seen, Unrenewed, is_unreached};

use crate::status::{Counts, Snapshot, State};
use budget::Budget;
use held::{Held, Retired};
use refusals::Refusals;

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
enum Flight {
    Login,
    Renewal,
}

/// Why no login can be made.
#[derive(Debug, Clone)]
struct Trouble {
    error: Error,
    /// The credential is refused.
    rejected: bool,
    /// There is no active node.
    unreached: bool,
}

/// One token source's token, from the first login on.
#[derive(Debug, Default)]
pub(crate) struct Life {
    config: Config,
    held: Option<Held>,
    retired: Option<Retired>,
    flight: Option<Flight>,
    renew_at: Option<Instant>,
    login_at: Option<Instant>,
    probe_at: Option<Instant>,
    trouble: Option<Trouble>,
    budget: Budget,
    /// Whether the request that is out was taken out of the budget.
    paid: bool,
    refusals: Refusals,
    generation: Generation,
    /// The last token that was found dead: a "login" that gives it again gives nothing.
    dead: Option<Token>,
    /// Failures in a row, of logins and renewals together.
    failures: u32,
    /// Tokens in a row that a policy kept from being renewed.
    forbidden: u32,
    /// The generation that is being looked up.
    settling: Option<Generation>,
    /// When a generation was last seen alive.
    confirmed: Option<(Generation, Instant)>,
    /// Whether the login that is out only shows the role's policies.
    on_trial: bool,
    /// When the last login on trial was made.
    tried_at: Option<Instant>,
    /// The generation whose denial waits for the login on trial, and until when.
    awaiting: Option<(Generation, Instant)>,
    counts: Counts,
    actions: Vec<Action>,
}

impl Life {
    pub(crate) fn new(config: Config) -> Self {
        Self { config, ..Self::default() }
    }

    /// Takes in what happened, and says what is to be done about it.
    pub(crate) fn on(&mut self, event: Event, at: Moment) -> Vec<Action> {
        match event {
            Event::Start if self.state() == State::Empty => self.log_in(at, false),
            Event::Start | Event::Tick => {}
            Event::LoggedIn { login, asked } => self.logged_in(login, asked, at),
            Event::LoginFailed(failure) => self.login_failed(failure, at),
            Event::Renewed { generation, renewal, asked } => {
                self.renewed(generation, renewal, asked, at);
            }
            Event::Unrenewed { generation, why } => self.unrenewed(generation, &why, at),
            Event::Probed { reached } => self.probed(reached, at),
            Event::Denied(denial) => self.denied(denial, at),
            Event::LookedUp { generation, seen } => self.looked_up(generation, seen, at),
            Event::Used { generation, up } => self.used(generation, up, at),
            Event::CredentialChanged { log_in } => self.credential_changed(log_in, at),
        }
        self.catch_up(at);
        std::mem::take(&mut self.actions)
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

    /// Does what is due, one thing at a time.
    fn catch_up(&mut self, at: Moment) {
        let due = |moment: Option<Instant>| moment.is_some_and(|moment| moment <= at.now);
        if let Some(retired) = self.retired.take_if(|retired| retired.revoke_at <= at.now) {
            self.actions.extend(retired.alive(at.now).map(Action::Revoke));
        }
        if let Some(ended) = self.held.take_if(|held| due(held.end())) {
            self.replace_lost(is_short(&ended), at);
        }
        if due(self.awaiting.map(|(_, until)| until)) {
            self.end_trial(at);
        }
        if self.flight.is_none() && due(self.probe_at) {
            self.probe();
        }
        // In a short lease both may be due: the renewal costs less.
        if self.flight.is_none() && due(self.renew_at) {
            self.renew(at);
        }
        if self.flight.is_none() && due(self.login_at) {
            let short = self.held.as_ref().is_some_and(is_short);
            self.log_in(at, short && self.trouble.is_none());
        }
    }

    /// Whether what has ended is what is out; it is not any more.
    fn landed(&mut self, flight: Flight) -> bool {
        self.flight.take_if(|out| *out == flight).is_some()
    }

    fn holds(&self, generation: Generation) -> bool {
        self.held.as_ref().is_some_and(|held| held.generation() == generation)
    }
}

/// What a token's greatest age leaves of a long lease is not short: it takes one login, once.
fn is_short(held: &Held) -> bool {
    held.full.is_some_and(|full| (SHORTEST..BUDGETED).contains(&full))
}
