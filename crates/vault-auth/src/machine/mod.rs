//! The life of a token, as a state machine: what happened goes in, with the time and a random draw;
//! what is to be done comes out. It does nothing itself, and knows no task, no channel and no clock.
//!
//! The [`State`] follows from four things: the token that is held, the request that is out, what is
//! planned, and the trouble with logins, if there is any. `docs/adr/0020-token-life.md` has the
//! diagram.

mod active;
mod budget;
mod event;
mod refusals;
pub(crate) mod timing;

mod token_machine;

mod login;
mod renewal;
mod transition;
mod verify;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub(crate) use event::{Action, Event, Liveness, Renewal, RenewalFailure, reached_no_active_node};
pub(crate) use token_machine::{Config, Moment, TokenMachine};
