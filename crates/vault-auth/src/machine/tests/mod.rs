//! What follows from what: one event after the other, at chosen moments.

use secrecy::SecretString;
use vault_http::{Denial, ErrorKind};

use super::RenewalFailure::{Dead, Forbidden, NoActiveNode, NotRenewable, Refused, Unavailable};
use super::event::LoginFailure;
use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Error, Token};

use super::*;
use crate::login::Login;
use crate::status::State;

/// A life at a moment that the test moves on.
struct Scenario {
    machine: TokenMachine,
    begin: Instant,
    now: Instant,
}

impl Scenario {
    fn new() -> Self {
        let now = Instant::now();
        let config = Config { revoke_replaced: true, repeatable: true, locks_out: false };
        let mut scene = Self { machine: TokenMachine::new(config), begin: now, now };
        assert_eq!(scene.handle(Event::Start), ["log in"]);
        scene
    }

    /// One that has this token.
    fn with(login: Login) -> Self {
        let mut scene = Self::new();
        assert!(scene.logged_in(login).is_empty());
        scene
    }

    /// What is wanted then, in one word each.
    fn handle(&mut self, event: Event) -> Vec<&'static str> {
        let actions = self.machine.handle(event, Moment { now: self.now, jitter: 0.5 });
        actions.iter().map(action_name).collect()
    }

    fn logged_in(&mut self, login: Login) -> Vec<&'static str> {
        self.handle(Event::LoggedIn { login, sent_at: self.now })
    }

    fn failed(&mut self, kind: ErrorKind) -> Vec<&'static str> {
        self.handle(Event::LoginFailed(Error::new(kind, "log in").into()))
    }

    fn renewal_failed(&mut self, why: RenewalFailure) -> Vec<&'static str> {
        self.handle(Event::RenewalFailed { generation: self.machine.generation, failure: why })
    }

    fn denied(&mut self, token_invalid: bool) -> Vec<&'static str> {
        let generation = self.machine.generation;
        self.handle(Event::Denied(Denial { generation, token_invalid }))
    }

    fn renewed(&mut self, seconds: u64, capped: bool) -> Vec<&'static str> {
        let renewal = Renewal { lease: Duration::from_secs(seconds), capped };
        let generation = self.machine.generation;
        self.handle(Event::Renewed { generation, renewal, sent_at: self.now })
    }

    /// Moves on to what is due next: the second at which that is, and what is wanted then.
    fn advance(&mut self) -> (u64, Vec<&'static str>) {
        self.now = self.machine.next_wakeup().unwrap();
        let wanted = self.handle(Event::Tick);
        ((self.now - self.begin).as_secs(), wanted)
    }

    fn assert_state(&self, state: State) {
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

fn token(text: &str) -> Token {
    Token::new(&SecretString::from(text)).unwrap()
}

/// A renewable token of our own.
fn renewable(text: &str, seconds: u64) -> Login {
    let lease = Some(Duration::from_secs(seconds));
    Login { ttl: lease, renewable: true, revocable: true, ..Login::new(token(text)) }
}

fn fixed(text: &str, seconds: u64) -> Login {
    Login { renewable: false, ..renewable(text, seconds) }
}

fn refused() -> LoginFailure {
    let error = Error::new(ErrorKind::LoginRefused, "log in");
    LoginFailure {
        error,
        refused: true,
        retry_now: false,
        no_active_node: false,
        retry_after: None,
    }
}

#[test]
fn a_renewable_token_is_renewed_and_renewed_again() {
    let mut scene = Scenario::with(renewable("a", 1_000));
    for renewals in 1..4 {
        scene.assert_state(State::Active);
        // 0.625 of the lease, counted from the last renewal.
        assert_eq!(scene.advance(), (625 * renewals, vec!["renew"]));
        scene.assert_state(State::Renewing);
        assert!(scene.renewed(1_000, false).is_empty());
    }
    assert_eq!(scene.machine.counts.renewals, 3);
}

#[test]
fn a_capped_token_is_replaced_before_it_ends_and_revoked_a_minute_later() {
    let check = |given: u64, capped: bool| {
        let mut scene = Scenario::with(renewable("a", 1_000));
        scene.advance();
        scene.renewed(given, capped);
        let (second, wanted) = scene.advance();
        assert_eq!((second, wanted), (625 + given * 8 / 10, vec!["log in"]), "{given}");
        scene.assert_state(State::Draining);
        assert!(scene.logged_in(renewable("b", 1_000)).is_empty());
        assert_eq!(scene.machine.active.as_ref().unwrap().generation().number(), 2);
        assert_eq!(scene.advance(), (second + 60, vec!["revoke"]));
    };
    check(500, true);
    check(890, false);
}

#[test]
fn a_periodic_token_is_never_capped() {
    let mut scene = Scenario::with(Login { periodic: true, ..renewable("a", 1_000) });
    scene.advance();
    scene.renewed(100, true);
    assert_eq!(scene.advance().1, ["renew"]);
}

#[test]
fn a_token_that_is_not_renewed_is_replaced_by_a_login() {
    let mut scene = Scenario::with(fixed("a", 1_000));
    assert_eq!(scene.advance(), (800, vec!["log in"]));
    scene.assert_state(State::Draining);
}

#[test]
fn a_token_without_an_end_needs_nothing() {
    let mut scene = Scenario::with(Login { ttl: None, ..renewable("root", 1) });
    assert_eq!(scene.machine.next_wakeup(), None);
    assert_eq!(scene.machine.snapshot().kind, Some(crate::TokenKind::Unlimited));
    scene.assert_state(State::Active);
    assert_eq!(scene.denied(false), ["look up"]);
}

#[test]
fn a_lease_of_ten_years_is_no_special_one() {
    let mut scene = Scenario::with(renewable("a", 10 * 365 * 86_400));
    assert_eq!(scene.advance(), (197_100_000, vec!["renew"]));
}

#[test]
fn what_a_failed_renewal_leads_to() {
    let check = |whys: &[RenewalFailure], second: u64, wanted: &[&'static str]| {
        let mut scene = Scenario::with(renewable("a", 1_000));
        scene.advance();
        let mut last = Vec::new();
        for (number, why) in whys.iter().enumerate() {
            if number > 0 {
                assert_eq!(scene.advance().1, ["renew"], "{whys:?}");
            }
            last = scene.renewal_failed(why.clone());
        }
        let then = if last.is_empty() { scene.advance() } else { (second, last) };
        assert_eq!(then, (second, wanted.to_vec()), "{whys:?}");
    };
    check(&[Dead], 625, &["log in"]);
    check(&[Forbidden], 800, &["log in"]);
    check(&[NotRenewable], 800, &["log in"]);
    check(&[Refused], 625, &["renew"]);
    check(&[Refused, Refused], 625, &["log in"]);
    check(&[Unavailable], 625, &["renew"]);
    check(&[Unavailable, Unavailable], 626, &["renew"]);
    // 1, 2, 4, 8, 16, 32 s and half of each by chance.
    check(&[const { Unavailable }; 5], 640, &["renew"]);
}

#[test]
fn renewals_that_fail_for_long_are_followed_by_a_login() {
    let mut scene = Scenario::with(renewable("a", 1_000));
    loop {
        match scene.advance() {
            (_, wanted) if wanted == ["renew"] => {
                assert!(scene.renewal_failed(Unavailable).is_empty());
            }
            (second, wanted) if wanted == ["log in"] => break assert_eq!(second, 800),
            // The budget was empty.
            (_, wanted) => assert!(wanted.is_empty()),
        }
    }
    scene.assert_state(State::Draining);
}

#[test]
fn renewals_that_the_next_token_is_forbidden_too_are_given_up() {
    let mut scene = Scenario::with(renewable("a", 1_000));
    assert_eq!(scene.advance().1, ["renew"]);
    scene.renewal_failed(Forbidden);
    assert_eq!(scene.advance().1, ["log in"]);
    scene.logged_in(renewable("b", 1_000));
    assert_eq!(scene.advance().1, ["revoke"]);
    assert_eq!(scene.advance().1, ["renew"]);
    scene.renewal_failed(Forbidden);
    assert_eq!(scene.advance().1, ["log in"]);
    scene.logged_in(renewable("c", 1_000));
    assert_eq!(scene.advance().1, ["revoke"]);
    assert_eq!(scene.advance().1, ["log in"]);
}

#[test]
fn refused_credential_is_tried_after_5_60_and_300_seconds_or_when_its_file_changes() {
    for changes in [false, true] {
        let mut scene = Scenario::new();
        for second in [5, 65, 365, 665] {
            scene.handle(Event::LoginFailed(refused()));
            scene.assert_state(State::Rejected);
            assert_eq!(
                scene.machine.snapshot().error_for_waiters().unwrap().kind(),
                ErrorKind::LoginRefused
            );
            if changes {
                assert_eq!(
                    scene.handle(Event::CredentialChanged { log_in_now: false }),
                    ["log in"]
                );
            } else {
                assert_eq!(scene.advance(), (second, vec!["log in"]));
            }
        }
    }
}

#[test]
fn role_that_is_locked_out_after_five_failures_sees_three_in_fifteen_minutes() {
    let mut scene = Scenario::new();
    scene.machine.config.locks_out = true;
    for second in [5, 65, 900] {
        scene.handle(Event::LoginFailed(refused()));
        assert_eq!(scene.advance(), (second, vec!["log in"]));
    }
    // A changed credential may be tried once more, and never up to the lockout.
    scene.handle(Event::LoginFailed(refused()));
    assert_eq!(scene.handle(Event::CredentialChanged { log_in_now: false }), ["log in"]);
    scene.handle(Event::LoginFailed(refused()));
    assert!(scene.handle(Event::CredentialChanged { log_in_now: true }).is_empty());
    scene.assert_state(State::Rejected);
}

#[test]
fn successful_login_resets_the_waits_of_a_refused_credential() {
    let mut scene = Scenario::new();
    scene.handle(Event::LoginFailed(refused()));
    scene.advance();
    scene.logged_in(fixed("a", 1_000));
    let (second, _) = scene.advance();
    scene.handle(Event::LoginFailed(refused()));
    assert_eq!(scene.advance(), (second + 5, vec!["log in"]));
}

#[test]
fn an_unreachable_server_is_asked_twice_more_at_once_and_then_with_growing_waits() {
    let mut scene = Scenario::new();
    for _ in 0..2 {
        scene.failed(ErrorKind::Unreachable);
        scene.assert_state(State::LoggingIn);
        assert!(
            scene.machine.snapshot().error_for_waiters().is_none(),
            "those who wait go on waiting"
        );
        assert_eq!(scene.advance(), (0, vec!["log in"]));
    }
    scene.failed(ErrorKind::Unreachable);
    scene.assert_state(State::Degraded);
    assert_eq!(
        scene.machine.snapshot().error_for_waiters().unwrap().kind(),
        ErrorKind::Unreachable
    );
}

#[test]
fn unreachable_server_without_a_token_is_probed_each_second_until_a_login_can_succeed() {
    for kind in [ErrorKind::Unreachable, ErrorKind::Tls, ErrorKind::Sealed, ErrorKind::NoLeader] {
        let mut scene = Scenario::new();
        while scene.machine.state() == State::LoggingIn {
            scene.failed(kind);
            scene.advance();
        }
        for _ in 0..100 {
            let before = scene.now;
            assert!(scene.handle(Event::Probed { can_log_in: false }).is_empty(), "{kind:?}");
            scene.assert_state(State::Degraded);
            assert_eq!(scene.advance().1, ["probe"], "{kind:?}");
            assert_eq!((scene.now - before).as_millis(), 950);
        }
        assert_eq!(scene.handle(Event::Probed { can_log_in: true }), ["log in"], "{kind:?}");
        // Logins that reached no active node are not counted: six more may follow.
        for _ in 0..6 {
            scene.failed(kind);
            assert_eq!(scene.handle(Event::Probed { can_log_in: true }), ["log in"], "{kind:?}");
        }
        scene.logged_in(renewable("a", 1_000));
        assert!(scene.handle(Event::Probed { can_log_in: true }).is_empty(), "a late answer");
        scene.assert_state(State::Active);
    }
}

#[test]
fn token_that_ends_in_an_outage_is_followed_by_probes() {
    let mut scene = Scenario::with(fixed("a", 1_000));
    assert_eq!(scene.advance(), (800, vec!["log in"]));
    let mut last = vec![];
    while scene.machine.active.is_some() {
        assert_ne!(last, ["probe"], "a token is in use");
        if scene.machine.in_flight.is_some() {
            scene.failed(ErrorKind::Sealed);
        }
        last = scene.advance().1;
    }
    assert_eq!((scene.now - scene.begin).as_secs(), 970);
    assert_eq!(scene.advance(), (970, vec!["probe"]));
}

#[test]
fn renewals_that_reach_no_active_node_are_not_counted() {
    let mut scene = Scenario::with(renewable("a", 1_000));
    scene.advance();
    for _ in 0..3 {
        scene.renewal_failed(NoActiveNode);
        assert_eq!(scene.advance().1, ["renew"]);
    }
    scene.renewal_failed(Dead);
    // One login at the start, one after the death, and four more that fail.
    for _ in 0..4 {
        scene.failed(ErrorKind::Timeout);
        assert_eq!(scene.advance().1, ["log in"]);
    }
}

#[test]
fn a_login_whose_answer_was_lost_is_told_at_once() {
    let mut scene = Scenario::new();
    scene.failed(ErrorKind::Interrupted);
    scene.assert_state(State::Degraded);
}

#[test]
fn a_login_that_fails_leaves_the_token_in_use_and_its_renewals() {
    let mut scene = Scenario::with(renewable("a", 1_000));
    assert_eq!(scene.handle(Event::CredentialChanged { log_in_now: true }), ["log in"]);
    scene.handle(Event::LoginFailed(refused()));
    scene.assert_state(State::Rejected);
    assert!(scene.machine.snapshot().error_for_waiters().is_none());
    assert_eq!(scene.advance().1, ["log in"]);
    for second in [65, 365] {
        scene.handle(Event::LoginFailed(refused()));
        assert_eq!(scene.advance(), (second, vec!["log in"]));
    }
    scene.handle(Event::LoginFailed(refused()));
    assert_eq!(scene.advance(), (625, vec!["renew"]));
    scene.renewed(1_000, false);
    scene.assert_state(State::Active);
}

#[test]
fn a_token_that_ends_while_logins_fail_is_given_out_no_more() {
    let mut scene = Scenario::with(fixed("a", 1_000));
    for second in [800, 805, 865] {
        assert_eq!(scene.advance(), (second, vec!["log in"]));
        scene.handle(Event::LoginFailed(refused()));
    }
    assert_eq!(scene.advance(), (970, vec![]));
    assert!(scene.machine.active.is_none());
    scene.assert_state(State::Rejected);
    assert!(scene.machine.snapshot().error_for_waiters().is_some());
}

#[test]
fn a_denied_path_is_looked_up_once_in_five_seconds() {
    let mut scene = Scenario::with(renewable("a", 1_000));
    let generation = scene.machine.generation;
    assert_eq!(scene.denied(false), ["look up"]);
    assert!(scene.denied(false).is_empty());
    assert_eq!(scene.handle(Event::LookedUp { generation, liveness: Liveness::Alive }), ["alive"]);
    assert_eq!(scene.denied(false), ["alive"]);
    scene.now += Duration::from_secs(5);
    assert_eq!(scene.denied(false), ["look up"]);
    let unknown = Liveness::Unknown(Error::new(ErrorKind::Timeout, "look up"));
    assert_eq!(scene.handle(Event::LookedUp { generation, liveness: unknown }), ["unknown"]);
    assert_eq!(scene.denied(false), ["look up"]);
    assert_eq!(
        scene.handle(Event::LookedUp { generation, liveness: Liveness::Dead }),
        ["log in", "dead"]
    );
    scene.assert_state(State::LoggingIn);
}

#[test]
fn a_late_403_of_an_old_generation_kills_nothing() {
    let mut scene = Scenario::with(renewable("a", 1_000));
    let old = scene.machine.generation;
    assert_eq!(scene.denied(true), ["log in", "dead"]);
    scene.logged_in(renewable("b", 1_000));
    for token_invalid in [true, false] {
        let late = Denial { generation: old, token_invalid };
        assert_eq!(scene.handle(Event::Denied(late)), ["dead"]);
    }
    assert_eq!(
        scene.handle(Event::LookedUp { generation: old, liveness: Liveness::Dead }),
        ["dead"]
    );
    assert_eq!(
        scene.handle(Event::RenewalFailed { generation: old, failure: Dead }),
        Vec::<&str>::new()
    );
    scene.assert_state(State::Active);
}

#[test]
fn a_dead_token_that_is_given_again_is_no_other_credential() {
    let mut scene = Scenario::with(Login::new(token("given")));
    assert_eq!(scene.denied(true), ["log in", "dead"]);
    scene.logged_in(Login::new(token("given")));
    scene.assert_state(State::Rejected);
    assert_eq!(
        scene.machine.snapshot().error_for_waiters().unwrap().kind(),
        ErrorKind::TokenInvalid
    );
    assert_eq!(scene.handle(Event::CredentialChanged { log_in_now: true }), ["log in"]);
    scene.logged_in(Login::new(token("another")));
    scene.assert_state(State::Active);
}

#[test]
fn a_given_token_that_can_not_be_renewed_is_used_to_its_end() {
    let given = |seconds| Login { revocable: false, ..fixed("given", seconds) };
    let mut scene = Scenario::with(given(1_000));
    assert_eq!(scene.advance(), (800, vec!["log in"]));
    scene.logged_in(given(200));
    scene.assert_state(State::Rejected);
    assert_eq!(scene.machine.generation.number(), 1);
    // Somebody else has renewed it meanwhile.
    assert_eq!(scene.handle(Event::CredentialChanged { log_in_now: true }), ["log in"]);
    scene.logged_in(given(1_000));
    scene.assert_state(State::Active);
    assert_eq!(scene.machine.generation.number(), 1);
}

#[test]
fn given_token_that_is_due_and_not_replaced_is_asked_for_with_growing_waits() {
    let given = |seconds| Login { revocable: false, ..fixed("given", seconds) };
    let mut scene = Scenario::with(given(100_000));
    assert_eq!(scene.advance(), (80_000, vec!["log in"]));
    for second in [5, 65, 365, 665] {
        scene.logged_in(given(20_000 - second));
        scene.assert_state(State::Rejected);
        assert_eq!(scene.advance(), (80_000 + second, vec!["log in"]));
    }
}

/// C1: a reload, or a touched file, of a token that is still usable and not due.
#[test]
fn credential_that_is_unchanged_leaves_its_token_active() {
    let unlimited = || Login::new(token("given"));
    let looked_up = |left| Login { revocable: false, ..renewable("given", left) };
    for (first, again) in [(unlimited(), unlimited()), (looked_up(1_000), looked_up(990))] {
        let mut scene = Scenario::with(first);
        scene.now += Duration::from_secs(10);
        for _ in 0..3 {
            assert_eq!(scene.handle(Event::CredentialChanged { log_in_now: true }), ["log in"]);
            assert!(scene.logged_in(again.clone()).is_empty());
            scene.assert_state(State::Active);
            assert!(scene.machine.snapshot().error.is_none());
            assert_eq!(scene.machine.generation.number(), 1);
            scene.now += Duration::from_secs(60);
        }
    }
}

#[test]
fn unchanged_credential_of_a_counted_token_keeps_its_count_and_is_refused_when_used_up() {
    let counted = || Login { uses: Some(10), revocable: false, ..fixed("given", 1_000) };
    let mut scene = Scenario::with(counted());
    scene.now += Duration::from_secs(100);
    scene.handle(Event::CredentialChanged { log_in_now: true });
    // The method gives what it learned at the first login.
    scene.logged_in(counted());
    scene.assert_state(State::Active);
    assert_eq!(
        scene.machine.active().unwrap().expires_at(),
        Some(scene.begin + Duration::from_secs(1_000))
    );
    let generation = scene.machine.generation;
    assert_eq!(scene.handle(Event::UsesLow { generation, exhausted: true }), ["log in"]);
    scene.logged_in(counted());
    scene.assert_state(State::Rejected);
}

/// A token of an age at which its role's policies may have changed.
fn with_policies(policies: &[&str]) -> Scenario {
    let policies = Some(policies.iter().map(|policy| (*policy).to_owned()).collect());
    let mut scene = Scenario::with(Login { policies, ..renewable("a", 10_000) });
    scene.now += Duration::from_secs(30);
    scene
}

impl Scenario {
    /// A path is denied, and the token found alive.
    fn denied_alive(&mut self) -> Vec<&'static str> {
        let generation = self.machine.generation;
        match self.denied(false) {
            wanted if wanted == ["look up"] => {
                self.handle(Event::LookedUp { generation, liveness: Liveness::Alive })
            }
            wanted => wanted,
        }
    }

    fn logged_in_with(&mut self, name: &str, policies: &[&str]) -> Vec<&'static str> {
        let policies = Some(policies.iter().map(|policy| (*policy).to_owned()).collect());
        self.logged_in(Login { policies, ..renewable(name, 10_000) })
    }
}

/// C4: a role whose policies have changed.
#[test]
fn denied_path_is_tried_with_one_login_and_its_token_kept_if_its_policies_differ() {
    let mut scene = with_policies(&["a", "default"]);
    assert_eq!(scene.denied_alive(), ["log in"]);
    scene.assert_state(State::Draining);
    // `dead`: the request is sent again with the new token.
    assert_eq!(scene.logged_in_with("b", &["b", "default", "a"]), ["dead"]);
    assert_eq!(scene.machine.generation.number(), 2);
    scene.assert_state(State::Active);
    // The old one was used, and is revoked like any other that is replaced.
    assert_eq!(scene.advance(), (90, vec!["revoke"]));
}

#[test]
fn denied_path_is_tried_at_most_once_in_five_minutes() {
    let mut scene = with_policies(&["a", "default"]);
    let begin = scene.now;
    assert_eq!(scene.denied_alive(), ["log in"]);
    assert_eq!(scene.logged_in_with("b", &["default", "a"]), ["revoke", "alive"]);
    scene.assert_state(State::Active);
    assert_eq!(scene.machine.generation.number(), 1);
    while scene.now + Duration::from_secs(1) < begin + Duration::from_secs(300) {
        scene.now += Duration::from_secs(1);
        assert_eq!(scene.denied_alive(), ["alive"]);
    }
    scene.now = begin + Duration::from_secs(300);
    assert_eq!(scene.denied_alive(), ["log in"]);
    // Its renewals go on as planned.
    scene.logged_in_with("c", &["a", "default"]);
    while scene.advance().1 != ["renew"] {}
    assert_eq!((scene.now - scene.begin).as_secs(), 6_250);
}

#[test]
fn denied_path_is_not_tried_with_a_login_where_that_is_not_allowed() {
    let check = |why: &str, change: fn(&mut Scenario)| {
        let mut scene = with_policies(&["a"]);
        change(&mut scene);
        assert_eq!(scene.denied_alive(), ["alive"], "{why}");
    };
    check("a young token", |scene| scene.now -= Duration::from_secs(1));
    check("a wrapped secret ID", |scene| scene.machine.config.repeatable = false);
    check("a number of uses", |scene| scene.machine.active.as_mut().unwrap().uses = Some(9));
    check("unknown policies", |scene| scene.machine.active.as_mut().unwrap().policies = None);
    check("a refused credential", |scene| {
        scene.handle(Event::CredentialChanged { log_in_now: true });
        scene.handle(Event::LoginFailed(refused()));
    });
    check("an empty budget", |scene| while scene.machine.budget.take(scene.now).is_ok() {});
}

#[test]
fn login_on_trial_that_fails_leaves_the_token_active() {
    for kind in [ErrorKind::Unreachable, ErrorKind::Timeout] {
        let mut scene = with_policies(&["a"]);
        assert_eq!(scene.denied_alive(), ["log in"]);
        assert_eq!(scene.failed(kind), ["alive"]);
        scene.assert_state(State::Active);
        assert_eq!(scene.advance(), (6_250, vec!["renew"]));
    }
    let mut scene = with_policies(&["a"]);
    scene.denied_alive();
    assert_eq!(scene.handle(Event::LoginFailed(refused())), ["alive"]);
    scene.assert_state(State::Rejected);
}

#[test]
fn denied_request_waits_two_seconds_for_the_login_on_trial() {
    let mut scene = with_policies(&["a"]);
    scene.denied_alive();
    assert_eq!(scene.advance(), (32, vec!["alive"]));
    assert_eq!(scene.denied(false), ["alive"]);
    // The login goes on, and its token is used from then on.
    assert!(scene.logged_in_with("b", &["a", "b"]).is_empty());
    assert_eq!(scene.machine.generation.number(), 2);
}

#[test]
fn token_that_dies_during_a_login_on_trial_is_replaced_by_it() {
    let mut scene = with_policies(&["a"]);
    scene.denied_alive();
    let generation = scene.machine.generation;
    assert_eq!(scene.denied(true), ["dead"]);
    assert_eq!(scene.logged_in_with("b", &["a"]), ["dead"]);
    assert!(scene.machine.generation > generation);
    scene.assert_state(State::Active);
}

/// C2: Vault revokes a token's leases and child tokens with it.
#[test]
fn replaced_token_is_left_alone_unless_the_program_chose_to_revoke_it() {
    let mut scene = Scenario::with(renewable("a", 1_000));
    scene.machine.config.revoke_replaced = false;
    for name in ["b", "c"] {
        scene.handle(Event::CredentialChanged { log_in_now: true });
        assert!(scene.logged_in(renewable(name, 1_000)).is_empty());
    }
    let (_, wanted) = scene.advance();
    assert_eq!(wanted, ["renew"]);
}

#[test]
fn counted_tokens_are_neither_renewed_nor_looked_up() {
    let mut scene = Scenario::with(Login { uses: Some(10), ..renewable("a", 1_000) });
    let generation = scene.machine.generation;
    assert_eq!(scene.denied(false), ["alive"]);
    assert_eq!(scene.handle(Event::UsesLow { generation, exhausted: false }), ["log in"]);
    scene.assert_state(State::Draining);
    assert!(scene.handle(Event::UsesLow { generation, exhausted: true }).is_empty());
    scene.assert_state(State::LoggingIn);
    scene.logged_in(Login { uses: Some(10), ..renewable("b", 1_000) });
    // The old one's count does not matter any more.
    assert!(scene.handle(Event::UsesLow { generation, exhausted: true }).is_empty());
    assert_eq!(scene.advance(), (800, vec!["log in"]));
}

#[test]
fn at_most_two_tokens_live() {
    let mut scene = Scenario::with(renewable("a", 1_000));
    scene.handle(Event::CredentialChanged { log_in_now: true });
    assert!(scene.logged_in(renewable("b", 1_000)).is_empty());
    scene.handle(Event::CredentialChanged { log_in_now: true });
    assert_eq!(scene.logged_in(renewable("c", 1_000)), ["revoke"]);
    assert_eq!(scene.machine.take_revocable_tokens(scene.now).len(), 2);
}

#[test]
fn what_is_not_ours_is_not_revoked() {
    let mut scene = Scenario::with(Login::new(token("given")));
    scene.handle(Event::CredentialChanged { log_in_now: true });
    scene.logged_in(Login::new(token("another")));
    assert_eq!(scene.machine.next_wakeup(), None);
    assert!(scene.machine.take_revocable_tokens(scene.now).is_empty());
}

#[test]
fn a_server_that_asks_for_time_gets_it() {
    let mut scene = Scenario::new();
    let limited = LoginFailure::from(Error::new(ErrorKind::RateLimited, "log in"));
    scene.handle(Event::LoginFailed(LoginFailure {
        retry_after: Some(Duration::from_secs(7)),
        ..limited
    }));
    assert_eq!(scene.advance(), (7, vec!["log in"]));
}

#[test]
fn a_lease_that_is_none_does_not_make_it_log_in_without_end() {
    let scene = Scenario::with(Login { ttl: Some(Duration::ZERO), ..renewable("a", 1) });
    assert_eq!(scene.machine.next_wakeup(), None);
    let mut scene = Scenario::new();
    let milli = Login { ttl: Some(Duration::from_millis(1)), ..renewable("a", 1) };
    scene.logged_in(milli.clone());
    let mut logins = 1;
    while scene.now - scene.begin < Duration::from_secs(60) {
        if scene.advance().1 == ["log in"] {
            logins += 1;
            scene.now += Duration::from_millis(1);
            scene.logged_in(Login { token: token(&logins.to_string()), ..milli.clone() });
        }
    }
    assert_eq!(logins, 6 + 1, "six in the minute, and the first of the next");
}
