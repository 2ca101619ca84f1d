//! Applies events to a token machine.

use tokio::time::Instant;

use super::event::{Action, Event};
use super::token_machine::{Life, Moment, is_short};
use crate::status::State;

impl Life {
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
}
