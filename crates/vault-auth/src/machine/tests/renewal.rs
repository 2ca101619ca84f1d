//! Renewals, their failures, and the replacement of tokens that are not renewed.

use super::scenario::{Scenario, fixed, renewable};
use crate::login::Login;
use crate::machine::RenewalFailure;
use crate::machine::RenewalFailure::{Dead, Forbidden, NotRenewable, Refused, Unavailable};
use crate::status::State;

#[test]
fn renewable_token_is_renewed_repeatedly() {
    let mut scenario = Scenario::with(renewable("a", 1_000));
    for renewals in 1..4 {
        scenario.assert_state(State::Active);
        // 0.625 of the lease after the last renewal.
        assert_eq!(scenario.advance(), (625 * renewals, vec!["renew"]));
        scenario.assert_state(State::Renewing);
        assert!(scenario.renewed(1_000, false).is_empty());
    }
    assert_eq!(scenario.machine.counts.renewals, 3);
}

#[test]
fn capped_token_is_replaced_before_it_expires_and_revoked_a_minute_later() {
    let check = |given: u64, capped: bool| {
        let mut scenario = Scenario::with(renewable("a", 1_000));
        scenario.advance();
        scenario.renewed(given, capped);
        let (second, actions) = scenario.advance();
        assert_eq!((second, actions), (625 + given * 8 / 10, vec!["log in"]), "{given}");
        scenario.assert_state(State::Draining);
        assert!(scenario.logged_in(renewable("b", 1_000)).is_empty());
        assert_eq!(scenario.machine.active.as_ref().unwrap().generation().number(), 2);
        assert_eq!(scenario.advance(), (second + 60, vec!["revoke"]));
    };
    check(500, true);
    check(890, false);
}

#[test]
fn periodic_token_is_never_capped() {
    let mut scenario = Scenario::with(Login { periodic: true, ..renewable("a", 1_000) });
    scenario.advance();
    scenario.renewed(100, true);
    assert_eq!(scenario.advance().1, ["renew"]);
}

#[test]
fn token_that_is_not_renewable_is_replaced_by_a_login() {
    let mut scenario = Scenario::with(fixed("a", 1_000));
    assert_eq!(scenario.advance(), (800, vec!["log in"]));
    scenario.assert_state(State::Draining);
}

#[test]
fn token_without_expiry_causes_no_requests() {
    let mut scenario = Scenario::with(Login { ttl: None, ..renewable("root", 1) });
    assert_eq!(scenario.machine.next_wakeup(), None);
    assert_eq!(scenario.machine.snapshot().kind, Some(crate::TokenKind::Unlimited));
    scenario.assert_state(State::Active);
    assert_eq!(scenario.denied(false), ["look up"]);
}

#[test]
fn lease_of_ten_years_is_renewed_like_any_other() {
    let mut scenario = Scenario::with(renewable("a", 10 * 365 * 86_400));
    assert_eq!(scenario.advance(), (197_100_000, vec!["renew"]));
}

#[test]
fn failed_renewal_is_retried_or_followed_by_a_login() {
    let check = |failures: &[RenewalFailure], second: u64, actions: &[&'static str]| {
        let mut scenario = Scenario::with(renewable("a", 1_000));
        scenario.advance();
        let mut last = Vec::new();
        for (number, failure) in failures.iter().enumerate() {
            if number > 0 {
                assert_eq!(scenario.advance().1, ["renew"], "{failures:?}");
            }
            last = scenario.renewal_failed(failure.clone());
        }
        let then = if last.is_empty() { scenario.advance() } else { (second, last) };
        assert_eq!(then, (second, actions.to_vec()), "{failures:?}");
    };
    check(&[Dead], 625, &["log in"]);
    check(&[Forbidden], 800, &["log in"]);
    check(&[NotRenewable], 800, &["log in"]);
    check(&[Refused], 625, &["renew"]);
    check(&[Refused, Refused], 625, &["log in"]);
    check(&[Unavailable], 625, &["renew"]);
    check(&[Unavailable, Unavailable], 626, &["renew"]);
    // Half of 1, 2, 4, 8 and 16 s.
    check(&[const { Unavailable }; 5], 640, &["renew"]);
}

#[test]
fn renewals_that_keep_failing_are_followed_by_a_login() {
    let mut scenario = Scenario::with(renewable("a", 1_000));
    loop {
        match scenario.advance() {
            (_, actions) if actions == ["renew"] => {
                assert!(scenario.renewal_failed(Unavailable).is_empty());
            }
            (second, actions) if actions == ["log in"] => break assert_eq!(second, 800),
            // The budget was exhausted.
            (_, actions) => assert!(actions.is_empty()),
        }
    }
    scenario.assert_state(State::Draining);
}

#[test]
fn renewals_forbidden_to_two_tokens_are_not_tried_again() {
    let mut scenario = Scenario::with(renewable("a", 1_000));
    assert_eq!(scenario.advance().1, ["renew"]);
    scenario.renewal_failed(Forbidden);
    assert_eq!(scenario.advance().1, ["log in"]);
    scenario.logged_in(renewable("b", 1_000));
    assert_eq!(scenario.advance().1, ["revoke"]);
    assert_eq!(scenario.advance().1, ["renew"]);
    scenario.renewal_failed(Forbidden);
    assert_eq!(scenario.advance().1, ["log in"]);
    scenario.logged_in(renewable("c", 1_000));
    assert_eq!(scenario.advance().1, ["revoke"]);
    assert_eq!(scenario.advance().1, ["log in"]);
}
