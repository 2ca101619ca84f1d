//! Applies events to the token machine, and performs what has become due.

use tokio::time::Instant;

use super::event::{Action, Event, Moment};
use super::token_machine::{InFlight, TokenMachine, has_short_lease};
use crate::status::State;

impl TokenMachine {
    /// Applies an event and returns the actions to perform.
    pub(crate) fn handle(&mut self, event: Event, at: Moment) -> Vec<Action> {
        match event {
            Event::Start if self.state() == State::Empty => self.log_in(at, false),
            Event::Start | Event::Tick => {}
            Event::LoggedIn { login, sent_at } => {
                if self.complete(InFlight::Login) {
                    self.logged_in(login, sent_at, at);
                    self.finish_trial(at);
                }
            }
            Event::LoginFailed(failure) => {
                if self.complete(InFlight::Login) {
                    self.login_failed(failure, at);
                    self.finish_trial(at);
                }
            }
            Event::Renewed { generation, renewal, sent_at } => {
                self.renewed(generation, renewal, sent_at, at);
            }
            Event::RenewalFailed { generation, failure } => {
                self.renewal_failed(generation, &failure, at);
            }
            Event::Probed { can_log_in } => self.probed(can_log_in, at),
            Event::Denied(denial) => self.denied(denial, at),
            Event::LookedUp { generation, liveness } => self.looked_up(generation, liveness, at),
            Event::UsesLow { generation, exhausted } => self.uses_low(generation, exhausted, at),
            Event::CredentialChanged { log_in_now } => self.credential_changed(log_in_now, at),
        }
        self.run_due(at);
        std::mem::take(&mut self.actions)
    }

    /// Performs everything that is due.
    fn run_due(&mut self, at: Moment) {
        let is_due = |time: Option<Instant>| time.is_some_and(|time| time <= at.now);
        if let Some(replaced) = self.replaced.take_if(|replaced| replaced.revoke_at <= at.now) {
            self.actions.extend(replaced.into_unexpired(at.now).map(Action::Revoke));
        }
        if let Some(expired) = self.active.take_if(|active| is_due(active.usable_until())) {
            self.replace_lost_token(has_short_lease(&expired), at);
        }
        if is_due(self.awaiting_trial.map(|(_, until)| until)) {
            self.finish_trial(at);
        }
        if self.in_flight.is_none() && is_due(self.probe_at) {
            self.probe();
        }
        // Both may be due in a short lease. The renewal comes first because it is cheaper.
        if self.in_flight.is_none() && is_due(self.renew_at) {
            self.renew(at);
        }
        if self.in_flight.is_none() && is_due(self.login_at) {
            let has_short_lease = self.active.as_ref().is_some_and(has_short_lease);
            self.log_in(at, has_short_lease && self.problem.is_none());
        }
    }
}
