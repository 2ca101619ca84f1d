//! What follows from what: one event after the other, at chosen moments.

use secrecy::SecretString;
use vault_http::{Denial, Kind};

use super::Unrenewed::{Dead, Forbidden, Impossible, Refused, Unasked};
use super::event::Failure;
use super::*;
use crate::login::Login;

/// A life at a moment that the test moves on.
struct Scene {
    life: Life,
    begin: Instant,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        let now = Instant::now();
        let mut scene = Self { life: Life::default(), begin: now, now };
        assert_eq!(scene.on(Event::Start), ["log in"]);
        scene
    }

    /// One that has this token.
    fn with(login: Login) -> Self {
        let mut scene = Self::new();
        assert!(scene.logged_in(login).is_empty());
        scene
    }

    /// What is wanted then, in one word each.
    fn on(&mut self, event: Event) -> Vec<&'static str> {
        let actions = self.life.on(event, Moment { now: self.now, chance: 0.5 });
        actions.iter().map(word).collect()
    }

    fn logged_in(&mut self, login: Login) -> Vec<&'static str> {
        self.on(Event::LoggedIn { login, asked: self.now })
    }

    fn failed(&mut self, kind: Kind) -> Vec<&'static str> {
        self.on(Event::LoginFailed(Error::new(kind, "log in").into()))
    }

    fn unrenewed(&mut self, why: Unrenewed) -> Vec<&'static str> {
        self.on(Event::Unrenewed { generation: self.life.generation, why })
    }

    fn denied(&mut self, token_invalid: bool) -> Vec<&'static str> {
        let generation = self.life.generation;
        self.on(Event::Denied(Denial { generation, token_invalid }))
    }

    fn renewed(&mut self, seconds: u64, capped: bool) -> Vec<&'static str> {
        let renewal = Renewal { lease: Duration::from_secs(seconds), capped };
        let generation = self.life.generation;
        self.on(Event::Renewed { generation, renewal, asked: self.now })
    }

    /// Moves on to what is due next: the second at which that is, and what is wanted then.
    fn next(&mut self) -> (u64, Vec<&'static str>) {
        self.now = self.life.due().unwrap();
        let wanted = self.on(Event::Tick);
        ((self.now - self.begin).as_secs(), wanted)
    }

    fn is(&self, state: State) {
        assert_eq!(self.life.state(), state);
    }
}

fn word(action: &Action) -> &'static str {
    match action {
        Action::LogIn => "log in",
        Action::Renew { .. } => "renew",
        Action::LookUp(_) => "look up",
        Action::Revoke(_) => "revoke",
        Action::Settle { seen: Seen::Alive, .. } => "alive",
        Action::Settle { seen: Seen::Dead, .. } => "dead",
        Action::Settle { seen: Seen::Unknown(_), .. } => "unknown",
    }
}

fn token(text: &str) -> Token {
    Token::new(&SecretString::from(text)).unwrap()
}

/// A renewable token of our own.
fn renewable(text: &str, seconds: u64) -> Login {
    let lease = Some(Duration::from_secs(seconds));
    Login { lease, renewable: true, revocable: true, ..Login::new(token(text)) }
}

fn fixed(text: &str, seconds: u64) -> Login {
    Login { renewable: false, ..renewable(text, seconds) }
}

fn refused() -> Failure {
    let error = Error::new(Kind::LoginRefused, "log in");
    Failure { error, refused: true, again: false, after: None }
}

#[test]
fn a_renewable_token_is_renewed_and_renewed_again() {
    let mut scene = Scene::with(renewable("a", 1_000));
    for renewals in 1..4 {
        scene.is(State::Active);
        // 0.625 of the lease, counted from the last renewal.
        assert_eq!(scene.next(), (625 * renewals, vec!["renew"]));
        scene.is(State::Renewing);
        assert!(scene.renewed(1_000, false).is_empty());
    }
    assert_eq!(scene.life.counts.renewals, 3);
}

#[test]
fn a_capped_token_is_replaced_before_it_ends_and_revoked_a_minute_later() {
    let check = |given: u64, capped: bool| {
        let mut scene = Scene::with(renewable("a", 1_000));
        scene.next();
        scene.renewed(given, capped);
        let (second, wanted) = scene.next();
        assert_eq!((second, wanted), (625 + given * 8 / 10, vec!["log in"]), "{given}");
        scene.is(State::Draining);
        assert!(scene.logged_in(renewable("b", 1_000)).is_empty());
        assert_eq!(scene.life.held.as_ref().unwrap().generation().number(), 2);
        assert_eq!(scene.next(), (second + 60, vec!["revoke"]));
    };
    check(500, true);
    check(890, false);
}

#[test]
fn a_periodic_token_is_never_capped() {
    let mut scene = Scene::with(Login { periodic: true, ..renewable("a", 1_000) });
    scene.next();
    scene.renewed(100, true);
    assert_eq!(scene.next().1, ["renew"]);
}

#[test]
fn a_token_that_is_not_renewed_is_replaced_by_a_login() {
    let mut scene = Scene::with(fixed("a", 1_000));
    assert_eq!(scene.next(), (800, vec!["log in"]));
    scene.is(State::Draining);
}

#[test]
fn a_token_without_an_end_needs_nothing() {
    let mut scene = Scene::with(Login { lease: None, ..renewable("root", 1) });
    assert_eq!(scene.life.due(), None);
    assert_eq!(scene.life.snapshot().kind, Some(crate::Kind::Unlimited));
    scene.is(State::Active);
    assert_eq!(scene.denied(false), ["look up"]);
}

#[test]
fn a_lease_of_ten_years_is_no_special_one() {
    let mut scene = Scene::with(renewable("a", 10 * 365 * 86_400));
    assert_eq!(scene.next(), (197_100_000, vec!["renew"]));
}

#[test]
fn what_a_failed_renewal_leads_to() {
    let check = |whys: &[Unrenewed], second: u64, wanted: &[&'static str]| {
        let mut scene = Scene::with(renewable("a", 1_000));
        scene.next();
        let mut last = Vec::new();
        for (number, why) in whys.iter().enumerate() {
            if number > 0 {
                assert_eq!(scene.next().1, ["renew"], "{whys:?}");
            }
            last = scene.unrenewed(why.clone());
        }
        let then = if last.is_empty() { scene.next() } else { (second, last) };
        assert_eq!(then, (second, wanted.to_vec()), "{whys:?}");
    };
    check(&[Dead], 625, &["log in"]);
    check(&[Forbidden], 800, &["log in"]);
    check(&[Impossible], 800, &["log in"]);
    check(&[Refused], 625, &["renew"]);
    check(&[Refused, Refused], 625, &["log in"]);
    check(&[Unasked], 625, &["renew"]);
    check(&[Unasked, Unasked], 626, &["renew"]);
    // 1, 2, 4, 8, 16, 32 s and half of each by chance.
    check(&[const { Unasked }; 5], 640, &["renew"]);
}

#[test]
fn renewals_that_fail_for_long_are_followed_by_a_login() {
    let mut scene = Scene::with(renewable("a", 1_000));
    loop {
        match scene.next() {
            (_, wanted) if wanted == ["renew"] => {
                assert!(scene.unrenewed(Unasked).is_empty());
            }
            (second, wanted) if wanted == ["log in"] => break assert_eq!(second, 800),
            // The budget was empty.
            (_, wanted) => assert!(wanted.is_empty()),
        }
    }
    scene.is(State::Draining);
}

#[test]
fn renewals_that_the_next_token_is_forbidden_too_are_given_up() {
    let mut scene = Scene::with(renewable("a", 1_000));
    assert_eq!(scene.next().1, ["renew"]);
    scene.unrenewed(Forbidden);
    assert_eq!(scene.next().1, ["log in"]);
    scene.logged_in(renewable("b", 1_000));
    assert_eq!(scene.next().1, ["revoke"]);
    assert_eq!(scene.next().1, ["renew"]);
    scene.unrenewed(Forbidden);
    assert_eq!(scene.next().1, ["log in"]);
    scene.logged_in(renewable("c", 1_000));
    assert_eq!(scene.next().1, ["revoke"]);
    assert_eq!(scene.next().1, ["log in"]);
}

#[test]
fn a_refused_credential_waits_five_minutes_or_for_its_file() {
    for changes in [false, true] {
        let mut scene = Scene::new();
        scene.on(Event::LoginFailed(refused()));
        scene.is(State::Rejected);
        assert_eq!(scene.life.snapshot().failure().unwrap().kind(), Kind::LoginRefused);
        if changes {
            assert_eq!(scene.on(Event::CredentialChanged { log_in: false }), ["log in"]);
        } else {
            assert_eq!(scene.next(), (300, vec!["log in"]));
        }
    }
}

#[test]
fn an_unreachable_server_is_asked_twice_more_at_once_and_then_with_growing_waits() {
    let mut scene = Scene::new();
    for _ in 0..2 {
        scene.failed(Kind::Unreachable);
        scene.is(State::LoggingIn);
        assert!(scene.life.snapshot().failure().is_none(), "those who wait go on waiting");
        assert_eq!(scene.next(), (0, vec!["log in"]));
    }
    scene.failed(Kind::Unreachable);
    scene.is(State::Degraded);
    assert_eq!(scene.life.snapshot().failure().unwrap().kind(), Kind::Unreachable);
    assert_eq!(scene.next(), (2, vec!["log in"]));
    scene.failed(Kind::Unreachable);
    assert_eq!(scene.next().1, ["log in"]);
    scene.failed(Kind::Unreachable);
    assert_eq!(scene.next().1, ["log in"]);
    scene.failed(Kind::Unreachable);
    // Six are out: the budget waits for the end of the minute.
    while scene.next().1.is_empty() {}
    assert_eq!((scene.now - scene.begin).as_secs(), 60);
}

#[test]
fn a_login_whose_answer_was_lost_is_told_at_once() {
    let mut scene = Scene::new();
    scene.failed(Kind::Interrupted);
    scene.is(State::Degraded);
}

#[test]
fn a_login_that_fails_leaves_the_token_in_use_and_its_renewals() {
    let mut scene = Scene::with(renewable("a", 1_000));
    assert_eq!(scene.on(Event::CredentialChanged { log_in: true }), ["log in"]);
    scene.on(Event::LoginFailed(refused()));
    scene.is(State::Rejected);
    assert!(scene.life.snapshot().failure().is_none());
    assert_eq!(scene.next().1, ["log in"]);
    scene.on(Event::LoginFailed(refused()));
    scene.next();
    scene.on(Event::LoginFailed(refused()));
    assert_eq!(scene.next(), (625, vec!["renew"]));
    scene.renewed(1_000, false);
    scene.is(State::Active);
}

#[test]
fn a_token_that_ends_while_logins_fail_is_given_out_no_more() {
    let mut scene = Scene::with(fixed("a", 1_000));
    scene.next();
    scene.on(Event::LoginFailed(refused()));
    assert_eq!(scene.next(), (970, vec![]));
    assert!(scene.life.held.is_none());
    scene.is(State::Rejected);
    assert!(scene.life.snapshot().failure().is_some());
}

#[test]
fn a_denied_path_is_looked_up_once_in_five_seconds() {
    let mut scene = Scene::with(renewable("a", 1_000));
    let generation = scene.life.generation;
    assert_eq!(scene.denied(false), ["look up"]);
    assert!(scene.denied(false).is_empty());
    assert_eq!(scene.on(Event::LookedUp { generation, seen: Seen::Alive }), ["alive"]);
    assert_eq!(scene.denied(false), ["alive"]);
    scene.now += Duration::from_secs(5);
    assert_eq!(scene.denied(false), ["look up"]);
    let unknown = Seen::Unknown(Error::new(Kind::Timeout, "look up"));
    assert_eq!(scene.on(Event::LookedUp { generation, seen: unknown }), ["unknown"]);
    assert_eq!(scene.denied(false), ["look up"]);
    assert_eq!(scene.on(Event::LookedUp { generation, seen: Seen::Dead }), ["log in", "dead"]);
    scene.is(State::LoggingIn);
}

#[test]
fn a_late_403_of_an_old_generation_kills_nothing() {
    let mut scene = Scene::with(renewable("a", 1_000));
    let old = scene.life.generation;
    assert_eq!(scene.denied(true), ["log in", "dead"]);
    scene.logged_in(renewable("b", 1_000));
    for token_invalid in [true, false] {
        let late = Denial { generation: old, token_invalid };
        assert_eq!(scene.on(Event::Denied(late)), ["dead"]);
    }
    assert_eq!(scene.on(Event::LookedUp { generation: old, seen: Seen::Dead }), ["dead"]);
    assert_eq!(scene.on(Event::Unrenewed { generation: old, why: Dead }), Vec::<&str>::new());
    scene.is(State::Active);
}

#[test]
fn a_dead_token_that_is_given_again_is_no_other_credential() {
    let mut scene = Scene::with(Login::new(token("given")));
    assert_eq!(scene.denied(true), ["log in", "dead"]);
    scene.logged_in(Login::new(token("given")));
    scene.is(State::Rejected);
    assert_eq!(scene.life.snapshot().failure().unwrap().kind(), Kind::TokenInvalid);
    assert_eq!(scene.on(Event::CredentialChanged { log_in: true }), ["log in"]);
    scene.logged_in(Login::new(token("another")));
    scene.is(State::Active);
}

#[test]
fn a_given_token_that_can_not_be_renewed_is_used_to_its_end() {
    let given = |seconds| Login { revocable: false, ..fixed("given", seconds) };
    let mut scene = Scene::with(given(1_000));
    assert_eq!(scene.next(), (800, vec!["log in"]));
    scene.logged_in(given(200));
    scene.is(State::Rejected);
    assert_eq!(scene.life.generation.number(), 1);
    // Somebody else has renewed it meanwhile.
    assert_eq!(scene.on(Event::CredentialChanged { log_in: true }), ["log in"]);
    scene.logged_in(given(1_000));
    scene.is(State::Active);
    assert_eq!(scene.life.generation.number(), 1);
}

#[test]
fn counted_tokens_are_neither_renewed_nor_looked_up() {
    let mut scene = Scene::with(Login { uses: Some(10), ..renewable("a", 1_000) });
    let generation = scene.life.generation;
    assert_eq!(scene.denied(false), ["alive"]);
    assert_eq!(scene.on(Event::Used { generation, up: false }), ["log in"]);
    scene.is(State::Draining);
    assert!(scene.on(Event::Used { generation, up: true }).is_empty());
    scene.is(State::LoggingIn);
    scene.logged_in(Login { uses: Some(10), ..renewable("b", 1_000) });
    // The old one's count does not matter any more.
    assert!(scene.on(Event::Used { generation, up: true }).is_empty());
    assert_eq!(scene.next(), (800, vec!["log in"]));
}

#[test]
fn at_most_two_tokens_live() {
    let mut scene = Scene::with(renewable("a", 1_000));
    scene.on(Event::CredentialChanged { log_in: true });
    assert!(scene.logged_in(renewable("b", 1_000)).is_empty());
    scene.on(Event::CredentialChanged { log_in: true });
    assert_eq!(scene.logged_in(renewable("c", 1_000)), ["revoke"]);
    assert_eq!(scene.life.own_tokens(scene.now).len(), 2);
}

#[test]
fn what_is_not_ours_is_not_revoked() {
    let mut scene = Scene::with(Login::new(token("given")));
    scene.on(Event::CredentialChanged { log_in: true });
    scene.logged_in(Login::new(token("another")));
    assert_eq!(scene.life.due(), None);
    assert!(scene.life.own_tokens(scene.now).is_empty());
}

#[test]
fn a_server_that_asks_for_time_gets_it() {
    let mut scene = Scene::new();
    let limited = Failure::from(Error::new(Kind::RateLimited, "log in"));
    scene.on(Event::LoginFailed(Failure { after: Some(Duration::from_secs(7)), ..limited }));
    assert_eq!(scene.next(), (7, vec!["log in"]));
}

#[test]
fn a_lease_that_is_none_does_not_make_it_log_in_without_end() {
    let scene = Scene::with(Login { lease: Some(Duration::ZERO), ..renewable("a", 1) });
    assert_eq!(scene.life.due(), None);
    let mut scene = Scene::new();
    let milli = Login { lease: Some(Duration::from_millis(1)), ..renewable("a", 1) };
    scene.logged_in(milli.clone());
    let mut logins = 1;
    while scene.now - scene.begin < Duration::from_secs(60) {
        if scene.next().1 == ["log in"] {
            logins += 1;
            scene.now += Duration::from_millis(1);
            scene.logged_in(Login { token: token(&logins.to_string()), ..milli.clone() });
        }
    }
    assert_eq!(logins, 6 + 1, "six in the minute, and the first of the next");
}
