//! Logins that return the active or a dead token again.

use std::time::Duration;

use vault_http::ErrorKind;

use super::scenario::{Scenario, fixed, renewable, token};
use crate::login::Login;
use crate::machine::Event;
use crate::status::State;

#[test]
fn dead_token_returned_again_is_refused() {
    let mut scenario = Scenario::with(Login::new(token("given")));
    assert_eq!(scenario.denied(true), ["log in", "dead"]);
    scenario.logged_in(Login::new(token("given")));
    scenario.assert_state(State::Rejected);
    assert_eq!(
        scenario.machine.snapshot().error_for_waiters().unwrap().kind(),
        ErrorKind::TokenInvalid
    );
    assert_eq!(scenario.handle(Event::CredentialChanged { log_in_now: true }), ["log in"]);
    scenario.logged_in(Login::new(token("another")));
    scenario.assert_state(State::Active);
}

#[test]
fn static_token_that_was_not_replaced_is_refused_when_due_and_accepted_when_extended() {
    let given = |seconds| Login { revocable: false, ..fixed("given", seconds) };
    let mut scenario = Scenario::with(given(1_000));
    assert_eq!(scenario.advance(), (800, vec!["log in"]));
    scenario.logged_in(given(200));
    scenario.assert_state(State::Rejected);
    assert_eq!(scenario.machine.generation.number(), 1);
    // Another client has renewed it meanwhile.
    assert_eq!(scenario.handle(Event::CredentialChanged { log_in_now: true }), ["log in"]);
    scenario.logged_in(given(1_000));
    scenario.assert_state(State::Active);
    assert_eq!(scenario.machine.generation.number(), 1);
}

#[test]
fn static_token_that_is_due_and_not_replaced_is_read_with_growing_delays() {
    let given = |seconds| Login { revocable: false, ..fixed("given", seconds) };
    let mut scenario = Scenario::with(given(100_000));
    assert_eq!(scenario.advance(), (80_000, vec!["log in"]));
    for second in [5, 65, 365, 665] {
        scenario.logged_in(given(20_000 - second));
        scenario.assert_state(State::Rejected);
        assert_eq!(scenario.advance(), (80_000 + second, vec!["log in"]));
    }
}

/// A reload, or a touched file, while the token is valid and not due.
#[test]
fn reload_of_an_unchanged_credential_leaves_its_token_active() {
    let unlimited = || Login::new(token("given"));
    let looked_up = |left| Login { revocable: false, ..renewable("given", left) };
    for (first, again) in [(unlimited(), unlimited()), (looked_up(1_000), looked_up(990))] {
        let mut scenario = Scenario::with(first);
        scenario.now += Duration::from_secs(10);
        for _ in 0..3 {
            assert_eq!(scenario.handle(Event::CredentialChanged { log_in_now: true }), ["log in"]);
            assert!(scenario.logged_in(again.clone()).is_empty());
            scenario.assert_state(State::Active);
            assert!(scenario.machine.snapshot().error.is_none());
            assert_eq!(scenario.machine.generation.number(), 1);
            scenario.now += Duration::from_secs(60);
        }
    }
}

#[test]
fn unchanged_use_limited_token_keeps_its_count_and_is_refused_when_exhausted() {
    let counted = || Login { uses: Some(10), revocable: false, ..fixed("given", 1_000) };
    let mut scenario = Scenario::with(counted());
    scenario.now += Duration::from_secs(100);
    scenario.handle(Event::CredentialChanged { log_in_now: true });
    // The method returns what the first look-up showed.
    scenario.logged_in(counted());
    scenario.assert_state(State::Active);
    assert_eq!(
        scenario.machine.active().unwrap().expires_at(),
        Some(scenario.begin + Duration::from_secs(1_000))
    );
    let generation = scenario.machine.generation;
    assert_eq!(scenario.handle(Event::UsesLow { generation, exhausted: true }), ["log in"]);
    scenario.logged_in(counted());
    scenario.assert_state(State::Rejected);
}
