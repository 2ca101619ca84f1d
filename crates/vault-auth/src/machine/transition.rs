//! Applies events to a token machine.

use tokio::time::Instant;

use super::event::{Action, Event};
use super::token_machine::{Moment, TokenMachine, has_short_lease};
use crate::status::State;

impl TokenMachine {
    /// Takes in what happened, and says what is to be done about it.
    pub(crate) fn handle(&mut self, event: Event, at: Moment) -> Vec<Action> {
        match event {
            Event::Start if self.state() == State::Empty => self.log_in(at, false),
            Event::Start | Event::Tick => {}
            Event::LoggedIn { login, sent_at: asked } => self.logged_in(login, asked, at),
            Event::LoginFailed(failure) => self.login_failed(failure, at),
            Event::Renewed { generation, renewal, sent_at: asked } => {
                self.renewed(generation, renewal, asked, at);
            }
            Event::RenewalFailed { generation, failure: why } => {
                self.renewal_failed(generation, &why, at)
            }
            Event::Probed { can_log_in: reached } => self.probed(reached, at),
            Event::Denied(denial) => self.denied(denial, at),
            Event::LookedUp { generation, liveness: seen } => self.looked_up(generation, seen, at),
            Event::UsesLow { generation, exhausted: up } => self.uses_low(generation, up, at),
            Event::CredentialChanged { log_in_now: log_in } => self.credential_changed(log_in, at),
        }
        self.run_due(at);
        std::mem::take(&mut self.actions)
    }

    /// Does what is due, one thing at a time.
    fn run_due(&mut self, at: Moment) {
        let due = |moment: Option<Instant>| moment.is_some_and(|moment| moment <= at.now);
        if let Some(retired) = self.replaced.take_if(|retired| retired.revoke_at <= at.now) {
            self.actions.extend(retired.into_unexpired(at.now).map(Action::Revoke));
        }
        if let Some(ended) = self.active.take_if(|held| due(held.usable_until())) {
            self.replace_lost_token(has_short_lease(&ended), at);
        }
        if due(self.awaiting_trial.map(|(_, until)| until)) {
            self.finish_trial(at);
        }
        if self.in_flight.is_none() && due(self.probe_at) {
            self.probe();
        }
        // In a short lease both may be due: the renewal costs less.
        if self.in_flight.is_none() && due(self.renew_at) {
            self.renew(at);
        }
        if self.in_flight.is_none() && due(self.login_at) {
            let short = self.active.as_ref().is_some_and(has_short_lease);
            self.log_in(at, short && self.problem.is_none());
        }
    }
}
