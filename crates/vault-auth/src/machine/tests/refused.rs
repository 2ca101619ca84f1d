//! Refused credentials.

use vault_http::ErrorKind;

use super::scenario::{Scenario, fixed, refused, renewable};
use crate::machine::Event;
use crate::status::State;

#[test]
fn refused_credential_is_retried_after_5_60_and_300_seconds_or_when_its_file_changes() {
    for changes in [false, true] {
        let mut scenario = Scenario::new();
        for second in [5, 65, 365, 665] {
            scenario.handle(Event::LoginFailed(refused()));
            scenario.assert_state(State::Rejected);
            assert_eq!(
                scenario.machine.snapshot().error_for_waiters().unwrap().kind(),
                ErrorKind::LoginRefused
            );
            if changes {
                assert_eq!(
                    scenario.handle(Event::CredentialChanged { log_in_now: false }),
                    ["log in"]
                );
            } else {
                assert_eq!(scenario.advance(), (second, vec!["log in"]));
            }
        }
    }
}

#[test]
fn method_with_lockout_fails_at_most_three_times_in_fifteen_minutes() {
    let mut scenario = Scenario::new();
    scenario.machine.config.locks_out = true;
    for second in [5, 65, 900] {
        scenario.handle(Event::LoginFailed(refused()));
        assert_eq!(scenario.advance(), (second, vec!["log in"]));
    }
    // A changed credential may be tried once more, which is still below the lockout threshold.
    scenario.handle(Event::LoginFailed(refused()));
    assert_eq!(scenario.handle(Event::CredentialChanged { log_in_now: false }), ["log in"]);
    scenario.handle(Event::LoginFailed(refused()));
    assert!(scenario.handle(Event::CredentialChanged { log_in_now: true }).is_empty());
    scenario.assert_state(State::Rejected);
}

#[test]
fn successful_login_resets_the_delays_of_a_refused_credential() {
    let mut scenario = Scenario::new();
    scenario.handle(Event::LoginFailed(refused()));
    scenario.advance();
    scenario.logged_in(fixed("a", 1_000));
    let (second, _) = scenario.advance();
    scenario.handle(Event::LoginFailed(refused()));
    assert_eq!(scenario.advance(), (second + 5, vec!["log in"]));
}

#[test]
fn failed_login_leaves_the_active_token_and_its_renewals() {
    let mut scenario = Scenario::with(renewable("a", 1_000));
    assert_eq!(scenario.handle(Event::CredentialChanged { log_in_now: true }), ["log in"]);
    scenario.handle(Event::LoginFailed(refused()));
    scenario.assert_state(State::Rejected);
    assert!(scenario.machine.snapshot().error_for_waiters().is_none());
    assert_eq!(scenario.advance().1, ["log in"]);
    for second in [65, 365] {
        scenario.handle(Event::LoginFailed(refused()));
        assert_eq!(scenario.advance(), (second, vec!["log in"]));
    }
    scenario.handle(Event::LoginFailed(refused()));
    assert_eq!(scenario.advance(), (625, vec!["renew"]));
    scenario.renewed(1_000, false);
    scenario.assert_state(State::Active);
}

#[test]
fn token_that_expires_while_logins_fail_is_removed() {
    let mut scenario = Scenario::with(fixed("a", 1_000));
    for second in [800, 805, 865] {
        assert_eq!(scenario.advance(), (second, vec!["log in"]));
        scenario.handle(Event::LoginFailed(refused()));
    }
    assert_eq!(scenario.advance(), (970, vec![]));
    assert!(scenario.machine.active.is_none());
    scenario.assert_state(State::Rejected);
    assert!(scenario.machine.snapshot().error_for_waiters().is_some());
}
