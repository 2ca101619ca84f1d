//! The state that the driver shares with all clones of a token source.
//!
//! Invariant: readers see a new token before the denial of the old one is resolved, and every
//! pending denial is resolved by the driver or when it ends.

pub(crate) mod current;
mod denials;
mod sync;

#[cfg(test)]
mod interleavings;

use vault_http::Generation;

use self::current::{Current, CurrentToken};
use self::denials::PendingDenials;
use crate::machine::{Action, Event, Liveness, Moment, TokenMachine};

/// The current token and the pending denials. `T` is the channel for the outcome of a denial.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    pub(crate) current: Current,
    denials: PendingDenials<T>,
}

/// The result of [`Shared::join_denial`].
#[derive(Debug)]
pub(crate) enum JoinedDenial<T> {
    /// Another token is already in use.
    Replaced,
    /// The denial is pending. If `first`, this caller must report it to the driver.
    Pending { outcome: T, first: bool },
    /// The driver has ended.
    Ended,
}

impl<T: Clone> Shared<T> {
    pub(crate) fn new() -> Self {
        Self { current: Current::default(), denials: PendingDenials::new() }
    }

    /// Joins the pending denial of this generation, or opens one.
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

    /// Applies an event to the machine, then updates the current token, calls `publish` and
    /// resolves denials, in this order. Returns the remaining actions.
    pub(crate) fn apply(
        &self,
        machine: &mut TokenMachine,
        event: Event,
        at: Moment,
        publish: impl FnOnce(&TokenMachine),
        resolve: impl Fn(T, Liveness),
    ) -> Vec<Action> {
        let mut actions = machine.handle(event, at);
        self.update_current(machine);
        publish(machine);
        actions.retain(|action| {
            let Action::ResolveDenial { generation, liveness } = action else { return true };
            if let Some(outcome) = self.denials.take(*generation) {
                resolve(outcome, liveness.clone());
            }
            false
        });
        actions
    }

    fn update_current(&self, machine: &TokenMachine) {
        let Some(active) = machine.active() else { return self.current.clear() };
        let (generation, usable_until) = (active.generation(), active.usable_until());
        let current = self.current.with(|token| (token.issued.generation, token.usable_until));
        if current != Some((generation, usable_until)) {
            let issued = active.issued.clone();
            self.current.replace(CurrentToken::new(issued, usable_until, active.uses));
        }
    }

    /// Removes the current token, and resolves all pending denials. None can be opened afterwards.
    pub(crate) fn close(&self, resolve: impl Fn(T)) {
        self.current.clear();
        self.denials.close().into_iter().for_each(resolve);
    }
}
