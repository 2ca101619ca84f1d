//! A token machine on virtual time, and constructors of its inputs.

use std::time::Duration;

use secrecy::SecretString;
use tokio::time::Instant;
use vault_http::{Denial, Error, ErrorKind, Token};

use crate::login::Login;
use crate::machine::event::LoginFailure;
use crate::machine::{
    Action, Config, Event, Liveness, Moment, Renewal, RenewalFailure, TokenMachine,
};
use crate::status::State;

/// A machine and the current time, which the test advances.
pub(super) struct Scenario {
    pub(super) machine: TokenMachine,
    pub(super) begin: Instant,
    pub(super) now: Instant,
}

impl Scenario {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let config = Config { revoke_replaced: true, repeatable: true, locks_out: false };
        let mut scenario = Self { machine: TokenMachine::new(config), begin: now, now };
        assert_eq!(scenario.handle(Event::Start), ["log in"]);
        scenario
    }

    /// Returns a scenario with this token.
    pub(super) fn with(login: Login) -> Self {
        let mut scenario = Self::new();
        assert!(scenario.logged_in(login).is_empty());
        scenario
    }

    /// Applies an event and returns the names of the actions.
    pub(super) fn handle(&mut self, event: Event) -> Vec<&'static str> {
        let actions = self.machine.handle(event, Moment { now: self.now, jitter: 0.5 });
        actions.iter().map(action_name).collect()
    }

    pub(super) fn logged_in(&mut self, login: Login) -> Vec<&'static str> {
        self.handle(Event::LoggedIn { login, sent_at: self.now })
    }

    pub(super) fn failed(&mut self, kind: ErrorKind) -> Vec<&'static str> {
        self.handle(Event::LoginFailed(Error::new(kind, "log in").into()))
    }

    pub(super) fn renewal_failed(&mut self, failure: RenewalFailure) -> Vec<&'static str> {
        let generation = self.machine.generation;
        self.handle(Event::RenewalFailed { generation, failure })
    }

    pub(super) fn denied(&mut self, token_invalid: bool) -> Vec<&'static str> {
        let generation = self.machine.generation;
        self.handle(Event::Denied(Denial::new(generation, token_invalid)))
    }

    pub(super) fn renewed(&mut self, seconds: u64, capped: bool) -> Vec<&'static str> {
        let renewal = Renewal { lease: Duration::from_secs(seconds), capped };
        let generation = self.machine.generation;
        self.handle(Event::Renewed { generation, renewal, sent_at: self.now })
    }

    /// Advances to the next wakeup, and returns its second and the names of its actions.
    pub(super) fn advance(&mut self) -> (u64, Vec<&'static str>) {
        self.now = self.machine.next_wakeup().unwrap();
        let actions = self.handle(Event::Tick);
        ((self.now - self.begin).as_secs(), actions)
    }

    pub(super) fn assert_state(&self, state: State) {
        assert_eq!(self.machine.state(), state);
    }
}

fn action_name(action: &Action) -> &'static str {
    match action {
        Action::LogIn => "log in",
        Action::Probe => "probe",
        Action::Renew { .. } => "renew",
        Action::LookUp(_) => "look up",
        Action::Revoke(_) => "revoke",
        Action::ResolveDenial { liveness: Liveness::Alive, .. } => "alive",
        Action::ResolveDenial { liveness: Liveness::Dead, .. } => "dead",
        Action::ResolveDenial { liveness: Liveness::Unknown(_), .. } => "unknown",
    }
}

pub(super) fn token(text: &str) -> Token {
    Token::new(&SecretString::from(text)).unwrap()
}

/// Returns a login with a renewable token.
pub(super) fn renewable(text: &str, seconds: u64) -> Login {
    let lease = Some(Duration::from_secs(seconds));
    Login { ttl: lease, renewable: true, revocable: true, ..Login::new(token(text)) }
}

pub(super) fn fixed(text: &str, seconds: u64) -> Login {
    Login { renewable: false, ..renewable(text, seconds) }
}

pub(super) fn refused() -> LoginFailure {
    let error = Error::new(ErrorKind::LoginRefused, "log in");
    LoginFailure {
        error,
        refused: true,
        retry_now: false,
        no_active_node: false,
        retry_after: None,
    }
}
