//! What the driver and all clones of a token source share.
//!
//! The order of the steps is what counts: the token that readers find changes before a denial of the
//! old one is settled, and what is opened is settled, or refused because the driver has ended.

pub(crate) mod current;
mod denials;
mod sync;

#[cfg(test)]
mod interleavings;

use tokio::time::Instant;
use vault_http::Generation;

use self::current::{Current, CurrentToken};
use self::denials::PendingDenials;
use crate::machine::{Action, Event, Liveness, Moment, TokenMachine};

/// The token in use, and the denials that are being settled. `T` is where an outcome is put.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    pub(crate) current: Current,
    denials: PendingDenials<T>,
}

/// What a caller whose request was denied finds.
#[derive(Debug)]
pub(crate) enum JoinedDenial<T> {
    /// Another token is in use already.
    Replaced,
    /// It is being settled; `first`: this caller must report it to the driver.
    Pending { outcome: T, first: bool },
    /// The driver has ended.
    Ended,
}

impl<T: Clone> Shared<T> {
    pub(crate) fn new() -> Self {
        Self { current: Current::default(), denials: PendingDenials::new() }
    }

    /// Joins the denial of this generation, or opens it.
    pub(crate) fn join_denial(
        &self,
        generation: Generation,
        open: impl FnOnce() -> T,
    ) -> JoinedDenial<T> {
        if self.current.generation().is_some_and(|current| current > generation) {
            return JoinedDenial::Replaced;
        }
        match self.denials.join(generation, open) {
            Some((outcome, first)) => JoinedDenial::Pending { outcome, first },
            None => JoinedDenial::Ended,
        }
    }

    /// Applies an event: changes the token in use, has that reported, and settles denials, in this
    /// order. Returns the requests that are to be sent.
    pub(crate) fn apply(
        &self,
        life: &mut TokenMachine,
        event: Event,
        at: Moment,
        report: impl FnOnce(&TokenMachine),
        settle: impl Fn(T, Liveness),
    ) -> Vec<Action> {
        let mut actions = life.handle(event, at);
        self.publish(life);
        report(life);
        actions.retain(|action| {
            let Action::ResolveDenial { generation, liveness: seen } = action else { return true };
            if let Some(outcome) = self.denials.take(*generation) {
                settle(outcome, seen.clone());
            }
            false
        });
        actions
    }

    fn publish(&self, life: &TokenMachine) {
        let Some(held) = life.active() else { return self.current.clear() };
        let now: (Generation, Option<Instant>) = (held.generation(), held.usable_until());
        if self.current.with(|entry| (entry.issued.generation, entry.usable_until)) != Some(now) {
            self.current.replace(CurrentToken::new(
                held.issued.clone(),
                held.usable_until(),
                held.uses,
            ));
        }
    }

    /// Takes the token out of use and settles all denials. None is opened from then on.
    pub(crate) fn close(&self, settle: impl Fn(T)) {
        self.current.clear();
        self.denials.close().into_iter().for_each(settle);
    }
}
