//! Trial logins for denied paths.

use std::time::Duration;

use vault_http::ErrorKind;

use super::scenario::{Scenario, refused, renewable};
use crate::login::{Login, LoginInfo};
use crate::machine::{Event, Liveness};
use crate::status::State;

/// Returns a scenario with a token that is old enough for a trial login.
fn with_policies(policies: &[&str]) -> Scenario {
    let policies = Some(policies.iter().map(|policy| (*policy).to_owned()).collect());
    let info = LoginInfo { policies, ..LoginInfo::default() };
    let mut scenario = Scenario::with(Login { info, ..renewable("a", 10_000) });
    scenario.now += Duration::from_secs(30);
    scenario
}

impl Scenario {
    /// Reports a denied path, and that the token is alive if it is looked up.
    fn denied_alive(&mut self) -> Vec<&'static str> {
        let generation = self.machine.generation;
        match self.denied(false) {
            actions if actions == ["look up"] => {
                self.handle(Event::LookedUp { generation, liveness: Liveness::Alive })
            }
            actions => actions,
        }
    }

    fn logged_in_with(&mut self, name: &str, policies: &[&str]) -> Vec<&'static str> {
        let policies = Some(policies.iter().map(|policy| (*policy).to_owned()).collect());
        let info = LoginInfo { policies, ..LoginInfo::default() };
        self.logged_in(Login { info, ..renewable(name, 10_000) })
    }
}

/// The policies of the role have changed.
#[test]
fn trial_login_with_other_policies_replaces_the_token() {
    let mut scenario = with_policies(&["a", "default"]);
    assert_eq!(scenario.denied_alive(), ["log in"]);
    scenario.assert_state(State::Draining);
    // "dead" makes the caller send the request again with the new token.
    assert_eq!(scenario.logged_in_with("b", &["b", "default", "a"]), ["dead"]);
    assert_eq!(scenario.machine.generation.number(), 2);
    scenario.assert_state(State::Active);
    // The old token is revoked like any other that was replaced.
    assert_eq!(scenario.advance(), (90, vec!["revoke"]));
}

#[test]
fn denied_path_causes_one_trial_login_in_five_minutes() {
    let mut scenario = with_policies(&["a", "default"]);
    let begin = scenario.now;
    assert_eq!(scenario.denied_alive(), ["log in"]);
    assert_eq!(scenario.logged_in_with("b", &["default", "a"]), ["revoke", "alive"]);
    scenario.assert_state(State::Active);
    assert_eq!(scenario.machine.generation.number(), 1);
    while scenario.now + Duration::from_secs(1) < begin + Duration::from_secs(300) {
        scenario.now += Duration::from_secs(1);
        assert_eq!(scenario.denied_alive(), ["alive"]);
    }
    scenario.now = begin + Duration::from_secs(300);
    assert_eq!(scenario.denied_alive(), ["log in"]);
    // The renewals of the active token continue.
    scenario.logged_in_with("c", &["a", "default"]);
    while scenario.advance().1 != ["renew"] {}
    assert_eq!((scenario.now - scenario.begin).as_secs(), 6_250);
}

#[test]
fn trial_login_is_not_made_where_it_is_not_allowed() {
    let check = |reason: &str, change: fn(&mut Scenario)| {
        let mut scenario = with_policies(&["a"]);
        change(&mut scenario);
        assert_eq!(scenario.denied_alive(), ["alive"], "{reason}");
    };
    check("a young token", |scenario| scenario.now -= Duration::from_secs(1));
    check("a wrapped secret ID", |scenario| scenario.machine.config.repeatable = false);
    check("limited uses", |scenario| scenario.machine.active.as_mut().unwrap().uses = Some(9));
    check("unknown policies", |scenario| scenario.machine.active.as_mut().unwrap().policies = None);
    check("a refused credential", |scenario| {
        scenario.handle(Event::CredentialChanged { log_in_now: true });
        scenario.handle(Event::LoginFailed(refused()));
    });
    check("an exhausted budget", |scenario| {
        while scenario.machine.budget.spend(false, scenario.now).is_ok() {}
    });
}

#[test]
fn failed_trial_login_leaves_the_token_active() {
    for kind in [ErrorKind::Unreachable, ErrorKind::Timeout] {
        let mut scenario = with_policies(&["a"]);
        assert_eq!(scenario.denied_alive(), ["log in"]);
        assert_eq!(scenario.failed(kind), ["alive"]);
        scenario.assert_state(State::Active);
        assert_eq!(scenario.advance(), (6_250, vec!["renew"]));
    }
    let mut scenario = with_policies(&["a"]);
    scenario.denied_alive();
    assert_eq!(scenario.handle(Event::LoginFailed(refused())), ["alive"]);
    scenario.assert_state(State::Rejected);
}

#[test]
fn denied_request_waits_two_seconds_for_the_trial_login() {
    let mut scenario = with_policies(&["a"]);
    scenario.denied_alive();
    assert_eq!(scenario.advance(), (32, vec!["alive"]));
    assert_eq!(scenario.denied(false), ["alive"]);
    // The login completes later, and its token is used.
    assert!(scenario.logged_in_with("b", &["a", "b"]).is_empty());
    assert_eq!(scenario.machine.generation.number(), 2);
}

#[test]
fn token_that_dies_during_a_trial_login_is_replaced_by_it() {
    let mut scenario = with_policies(&["a"]);
    scenario.denied_alive();
    let generation = scenario.machine.generation;
    assert_eq!(scenario.denied(true), ["dead"]);
    assert_eq!(scenario.logged_in_with("b", &["a"]), ["dead"]);
    assert!(scenario.machine.generation > generation);
    scenario.assert_state(State::Active);
}
