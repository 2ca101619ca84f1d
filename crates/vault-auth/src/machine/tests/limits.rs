//! Use limits, requested delays and tiny leases.

use std::time::Duration;

use vault_http::{Error, ErrorKind};

use super::scenario::{Scenario, renewable, token};
use crate::login::Login;
use crate::machine::Event;
use crate::machine::event::LoginFailure;
use crate::status::State;

#[test]
fn use_limited_token_is_neither_renewed_nor_looked_up() {
    let mut scenario = Scenario::with(Login { uses: Some(10), ..renewable("a", 1_000) });
    let generation = scenario.machine.generation;
    assert_eq!(scenario.denied(false), ["alive"]);
    assert_eq!(scenario.handle(Event::UsesLow { generation, exhausted: false }), ["log in"]);
    scenario.assert_state(State::Draining);
    assert!(scenario.handle(Event::UsesLow { generation, exhausted: true }).is_empty());
    scenario.assert_state(State::LoggingIn);
    scenario.logged_in(Login { uses: Some(10), ..renewable("b", 1_000) });
    // The uses of the old token no longer matter.
    assert!(scenario.handle(Event::UsesLow { generation, exhausted: true }).is_empty());
    assert_eq!(scenario.advance(), (800, vec!["log in"]));
}

#[test]
fn retry_after_delays_the_next_login() {
    let mut scenario = Scenario::new();
    let limited = LoginFailure::from(Error::new(ErrorKind::RateLimited, "log in"));
    scenario.handle(Event::LoginFailed(LoginFailure {
        retry_after: Some(Duration::from_secs(7)),
        ..limited
    }));
    assert_eq!(scenario.advance(), (7, vec!["log in"]));
}

#[test]
fn tiny_lease_does_not_cause_unlimited_logins() {
    let scenario = Scenario::with(Login { ttl: Some(Duration::ZERO), ..renewable("a", 1) });
    assert_eq!(scenario.machine.next_wakeup(), None);
    let mut scenario = Scenario::new();
    let milli = Login { ttl: Some(Duration::from_millis(1)), ..renewable("a", 1) };
    scenario.logged_in(milli.clone());
    let mut logins = 1;
    while scenario.now - scenario.begin < Duration::from_secs(60) {
        if scenario.advance().1 == ["log in"] {
            logins += 1;
            scenario.now += Duration::from_millis(1);
            scenario.logged_in(Login { token: token(&logins.to_string()), ..milli.clone() });
        }
    }
    assert_eq!(logins, 6 + 1, "six in the minute, and the first of the next");
}
