//! The revocation of replaced tokens.

use super::scenario::{Scenario, renewable, token};
use crate::login::Login;
use crate::machine::Event;

/// Vault revokes a token's leases and child tokens with it.
#[test]
fn replaced_token_is_not_revoked_unless_configured() {
    let mut scenario = Scenario::with(renewable("a", 1_000));
    scenario.machine.config.revoke_replaced = false;
    for name in ["b", "c"] {
        scenario.handle(Event::CredentialChanged { log_in_now: true });
        assert!(scenario.logged_in(renewable(name, 1_000)).is_empty());
    }
    let (_, actions) = scenario.advance();
    assert_eq!(actions, ["renew"]);
}

#[test]
fn at_most_two_tokens_are_valid() {
    let mut scenario = Scenario::with(renewable("a", 1_000));
    scenario.handle(Event::CredentialChanged { log_in_now: true });
    assert!(scenario.logged_in(renewable("b", 1_000)).is_empty());
    scenario.handle(Event::CredentialChanged { log_in_now: true });
    assert_eq!(scenario.logged_in(renewable("c", 1_000)), ["revoke"]);
    assert_eq!(scenario.machine.take_revocable_tokens(scenario.now).len(), 2);
}

#[test]
fn static_token_is_not_revoked() {
    let mut scenario = Scenario::with(Login::new(token("given")));
    scenario.handle(Event::CredentialChanged { log_in_now: true });
    scenario.logged_in(Login::new(token("another")));
    assert_eq!(scenario.machine.next_wakeup(), None);
    assert!(scenario.machine.take_revocable_tokens(scenario.now).is_empty());
}
