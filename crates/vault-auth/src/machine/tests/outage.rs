//! Servers that are unreachable, sealed, or lose responses.

use vault_http::ErrorKind;

use super::scenario::{Scenario, fixed, renewable};
use crate::machine::Event;
use crate::machine::RenewalFailure::{Dead, NoActiveNode};
use crate::status::State;

#[test]
fn unreachable_server_gets_two_quick_retries_before_waiters_fail() {
    let mut scenario = Scenario::new();
    for _ in 0..2 {
        scenario.failed(ErrorKind::Unreachable);
        scenario.assert_state(State::LoggingIn);
        assert!(scenario.machine.snapshot().error_for_waiters().is_none(), "waiters keep waiting");
        assert_eq!(scenario.advance(), (0, vec!["log in"]));
    }
    scenario.failed(ErrorKind::Unreachable);
    scenario.assert_state(State::Degraded);
    assert_eq!(
        scenario.machine.snapshot().error_for_waiters().unwrap().kind(),
        ErrorKind::Unreachable
    );
}

#[test]
fn unreachable_server_without_a_token_is_probed_every_second_until_a_login_can_succeed() {
    for kind in [ErrorKind::Unreachable, ErrorKind::Tls, ErrorKind::Sealed, ErrorKind::NoLeader] {
        let mut scenario = Scenario::new();
        while scenario.machine.state() == State::LoggingIn {
            scenario.failed(kind);
            scenario.advance();
        }
        for _ in 0..100 {
            let before = scenario.now;
            assert!(scenario.handle(Event::Probed { can_log_in: false }).is_empty(), "{kind:?}");
            scenario.assert_state(State::Degraded);
            assert_eq!(scenario.advance().1, ["probe"], "{kind:?}");
            assert_eq!((scenario.now - before).as_millis(), 950);
        }
        assert_eq!(scenario.handle(Event::Probed { can_log_in: true }), ["log in"], "{kind:?}");
        // Logins that reached no active node do not use the budget, so six more may follow.
        for _ in 0..6 {
            scenario.failed(kind);
            assert_eq!(scenario.handle(Event::Probed { can_log_in: true }), ["log in"], "{kind:?}");
        }
        scenario.logged_in(renewable("a", 1_000));
        assert!(scenario.handle(Event::Probed { can_log_in: true }).is_empty(), "a late response");
        scenario.assert_state(State::Active);
    }
}

#[test]
fn token_that_expires_in_an_outage_is_followed_by_probes() {
    let mut scenario = Scenario::with(fixed("a", 1_000));
    assert_eq!(scenario.advance(), (800, vec!["log in"]));
    let mut last = vec![];
    while scenario.machine.active.is_some() {
        assert_ne!(last, ["probe"], "a token is in use");
        if scenario.machine.in_flight.is_some() {
            scenario.failed(ErrorKind::Sealed);
        }
        last = scenario.advance().1;
    }
    assert_eq!((scenario.now - scenario.begin).as_secs(), 970);
    assert_eq!(scenario.advance(), (970, vec!["probe"]));
}

#[test]
fn renewals_that_reach_no_active_node_do_not_use_the_budget() {
    let mut scenario = Scenario::with(renewable("a", 1_000));
    scenario.advance();
    for _ in 0..3 {
        scenario.renewal_failed(NoActiveNode);
        assert_eq!(scenario.advance().1, ["renew"]);
    }
    scenario.renewal_failed(Dead);
    // One login at the start, one for the dead token, and four that fail.
    for _ in 0..4 {
        scenario.failed(ErrorKind::Timeout);
        assert_eq!(scenario.advance().1, ["log in"]);
    }
}

#[test]
fn lost_login_response_fails_waiters_at_once() {
    let mut scenario = Scenario::new();
    scenario.failed(ErrorKind::Interrupted);
    scenario.assert_state(State::Degraded);
}
