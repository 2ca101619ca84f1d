//! The state machine of a token: when to log in, renew, look up, replace and revoke it.
//!
//! It is pure: events come in with the current time and a random number, and actions come out. It
//! knows no task, channel, clock or request, all of which belong to the [driver](crate::driver). At
//! most one login or renewal is in flight.
//!
//! The [`State`](crate::State) follows from four things: the active token, the request in flight,
//! the schedule, and the last problem with logins. `docs/adr/0020-token-machine.md` has a diagram.

mod event;
mod token_machine;
mod transition;

mod login;
mod renewal;
mod verify;

mod active;
mod budget;
mod refusals;
pub(crate) mod timing;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub(crate) use event::{
    Action, Event, Liveness, Moment, Renewal, RenewalFailure, reached_no_active_node,
};
pub(crate) use token_machine::{Config, TokenMachine};
