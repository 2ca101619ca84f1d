//! Property tests of the token machine against a faulty server, over hours of virtual time.
//!
//! The world asserts its invariants after every event: no expired token is active, one login is in
//! flight, generations never decrease, and few tokens are valid at once.

mod server;
mod world;

use std::time::Duration;

use proptest::prelude::*;

use self::server::{Behavior, MAX_BEHAVIORS, Role};
use self::world::{World, max_within};
use super::Event;
use crate::status::State;

/// The maximum time in seconds from the last fault to a usable token, if the credential was
/// refused: the delay of a method with lockout, an exhausted budget, and the slowest login.
const RECOVERY_AFTER_REFUSAL: u64 = 900 + 60 + 10;
/// The maximum time in seconds if the credential was not refused.
const RECOVERY: u64 = 60 + 10;

fn behaviors() -> impl Strategy<Value = Vec<(Behavior, u64)>> {
    let behavior = prop_oneof![
        Just(Behavior::Healthy),
        Just(Behavior::Down),
        (1_u32..15).prop_map(Behavior::Slow),
        Just(Behavior::LosesResponses),
        Just(Behavior::RefusesLogins),
        (0_u8..3).prop_map(Behavior::FailsRenewals),
        Just(Behavior::RevokesTokens),
    ];
    prop::collection::vec((behavior, 1_u64..4_000), 0..MAX_BEHAVIORS)
}

fn roles(leases: std::ops::Range<u64>) -> impl Strategy<Value = Role> {
    let role = (leases, 1_u64..5, any::<bool>());
    role.prop_map(|(lease, max_age, renewable)| Role { lease, max_age, renewable })
}

/// Runs through `behaviors`, each for a number of seconds, and then makes the server healthy.
fn simulate(role: Role, behaviors: &[(Behavior, u64)], seed: u64) -> World {
    let mut world = World::new(role, seed);
    for (number, (behavior, seconds)) in behaviors.iter().enumerate() {
        world.server.behavior = *behavior;
        if number == 0 {
            world.apply(Event::Start);
        }
        world.advance(*seconds);
    }
    world.server.behavior = Behavior::Healthy;
    world.apply(Event::Start);
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_sequence_of_faults_ends_in_a_usable_token(
        role in roles(300..100_000), behaviors in behaviors(), seed: u64,
    ) {
        let refused = behaviors.iter().any(|(behavior, _)| *behavior == Behavior::RefusesLogins);
        let mut world = simulate(role, &behaviors, seed);
        world.advance(if refused { RECOVERY_AFTER_REFUSAL } else { RECOVERY });
        prop_assert!(world.is_usable(), "{:?}", world.machine);
        // It stays usable.
        for _ in 0..20 {
            world.advance(role.lease / 4);
            prop_assert!(world.is_usable(), "{:?}", world.machine);
        }
        prop_assert!(world.max_in_a_minute() <= 6);
        prop_assert!(max_within(&world.server.lost_at, Duration::from_secs(60)) <= 6);
        prop_assert!(max_within(&world.probes, Duration::from_millis(899)) <= 1);
    }

    #[test]
    fn token_is_usable_within_two_seconds_after_an_outage(
        role in roles(300..100_000), seconds in 1_u64..4_000, seed: u64,
    ) {
        let outage = [(Behavior::Healthy, 100), (Behavior::Down, seconds)];
        let mut world = simulate(role, &outage, seed);
        world.advance(2);
        let has_token = world.machine.active.is_some();
        prop_assert!(world.is_usable() || has_token, "{:?}", world.machine);
        let mut world = simulate(role, &[(Behavior::Down, seconds)], seed);
        world.advance(2);
        prop_assert!(world.is_usable(), "{:?}", world.machine);
        prop_assert!(world.attempts.len() == 1);
    }

    #[test]
    fn denied_path_causes_a_login_every_five_minutes_and_finds_new_policies(
        role in roles(600..100_000), seed: u64,
    ) {
        let mut world = simulate(role, &[(Behavior::Healthy, 100)], seed);
        world.calls_denied_path = true;
        world.advance(3_000);
        let requests = max_within(&world.attempts, Duration::from_secs(299));
        // A trial, a renewal and a login.
        prop_assert!(requests <= 3, "{requests}");
        let before = world.machine.generation;
        world.server.policies += 1;
        world.advance(400);
        prop_assert!(world.machine.generation > before);
        let policies = world.machine.active.as_ref().and_then(|active| active.policies.clone());
        prop_assert_eq!(policies, Some(vec!["policy-1".to_owned()]));
        prop_assert!(world.is_usable());
    }

    #[test]
    fn replaced_credential_file_is_used_at_once(role in roles(300..100_000), seed: u64) {
        let mut world = simulate(role, &[(Behavior::RefusesLogins, 100)], seed);
        world.apply(Event::CredentialChanged { log_in_now: false });
        world.advance(1);
        prop_assert!(world.is_usable());
        // At 0, 5 and 65 s, and after the change.
        prop_assert!(world.attempts.len() == 4);
    }

    #[test]
    fn healthy_server_receives_one_request_per_lease(role in roles(2..2_000), seed: u64) {
        let mut world = simulate(role, &[], seed);
        world.advance(1);
        for _ in 0..100 {
            world.advance(role.lease);
            prop_assert!(world.is_usable(), "{:?}", world.machine);
        }
        // A renewal for each 0.55 of a lease, or each half of a short one, and further ones because
        // the maximum TTL cuts leases short.
        let max = if role.lease < 20 { 400 } else { 250 };
        prop_assert!(world.attempts.len() <= max, "{}", world.attempts.len());
        prop_assert_eq!(world.machine.counts.failures, 0);
    }

    #[test]
    fn long_lived_token_is_renewed_once_per_lease(lease in 20_u64..100_000, seed: u64) {
        let mut world = simulate(Role { lease, max_age: 10_000, renewable: true }, &[], seed);
        world.advance(lease * 100);
        // Between 0.55 and 0.70 of a lease.
        prop_assert!((143..=183).contains(&world.attempts.len()), "{}", world.attempts.len());
        prop_assert_eq!(world.machine.counts.logins, 1);
    }

    #[test]
    fn short_lease_survives_any_sequence_of_faults(
        role in roles(2..300), behaviors in behaviors(), seed: u64,
    ) {
        let refused = behaviors.iter().any(|(behavior, _)| *behavior == Behavior::RefusesLogins);
        let mut world = simulate(role, &behaviors, seed);
        world.advance(if refused { RECOVERY_AFTER_REFUSAL } else { RECOVERY });
        prop_assert!(world.is_usable(), "{:?}", world.machine);
    }
}

#[test]
fn revoked_token_with_refused_credential_causes_two_logins_in_a_minute() {
    let role = Role { lease: 3_600, max_age: 10, renewable: true };
    let mut world = simulate(role, &[(Behavior::Healthy, 100)], 1);
    world.server.behavior = Behavior::RefusesLogins;
    world.server.tokens.clear();
    let before = world.attempts.len();
    world.advance(60);
    // The look-up is not counted.
    assert_eq!(world.attempts.len() - before, 2);
    assert_eq!(world.machine.state(), State::Rejected);
}

#[test]
fn long_lease_cut_by_the_maximum_ttl_is_not_exempt_from_the_budget() {
    let role = Role { lease: 379, max_age: 1, renewable: true };
    let behaviors = [(Behavior::Healthy, 1_279), (Behavior::LosesResponses, 127)];
    let mut world = simulate(role, &behaviors, 15_536_141_505_521_179_928);
    world.advance(RECOVERY);
    assert!(world.is_usable());
    assert_eq!(world.max_in_a_minute(), 6);
}
