//! A token's life against a server that does what it likes, for hours of time that takes none: what
//! must hold is looked at after every step.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;
use secrecy::SecretString;
use vault_http::{Denial, ErrorKind};

use super::event::LoginFailure;
use std::time::Duration;

use tokio::time::Instant;
use vault_http::{Error, Generation, Token};

use super::*;
use crate::login::Login;
use crate::status::State;

/// What the server does for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Behavior {
    Healthy,
    /// It can't be reached, or is sealed.
    Down,
    /// It answers after this, in seconds, also what it refuses.
    Slow(u32),
    /// Logins and renewals are executed, and their answers lost.
    LosesResponses,
    /// The credential is refused: role deleted, secret id used up, address not allowed.
    RefusesLogins,
    /// Renewals fail in this way.
    FailsRenewals(u8),
    /// Every token is revoked as soon as it is made.
    RevokesTokens,
}

/// How the role's tokens are.
#[derive(Debug, Clone, Copy)]
struct Role {
    lease: u64,
    /// Greatest age in leases; 1: they can't grow older than one.
    max_age: u64,
    renewable: bool,
}

struct Server {
    behavior: Behavior,
    role: Role,
    /// When each token that was handed out ends, and can't live beyond.
    tokens: BTreeMap<String, (Instant, Instant)>,
    /// When each token ends whose login's answer was lost: nobody knows it, or can revoke it.
    lost: VecDeque<Instant>,
    /// When those logins were made.
    lost_at: Vec<Instant>,
    /// The version of the role's policies.
    policies: u32,
    made: u32,
}

impl Server {
    fn lives(&self, token: &Token, now: Instant) -> bool {
        self.tokens.get(token.expose()).is_some_and(|(end, _)| now < *end)
    }

    fn log_in(&mut self, now: Instant) -> Login {
        self.made += 1;
        let (name, lease) = (format!("token-{}", self.made), Duration::from_secs(self.role.lease));
        let most = lease * u32::try_from(self.role.max_age).unwrap();
        let ends = if self.behavior == Behavior::RevokesTokens { now } else { now + lease };
        self.tokens.insert(name.clone(), (ends, now + most));
        let token = Token::new(&SecretString::from(name)).unwrap();
        let renewable = self.role.renewable;
        let policies = Some(vec![format!("policy-{}", self.policies)]);
        Login { ttl: Some(lease), renewable, policies, revocable: true, ..Login::new(token) }
    }

    fn renew(&mut self, token: &Token, increment: Duration, now: Instant) -> Option<Renewal> {
        let (ends, most) = self.tokens.get_mut(token.expose()).filter(|(end, _)| now < *end)?;
        *ends = (now + increment).min(*most);
        let lease = Duration::from_secs((*ends - now).as_secs());
        Some(Renewal { lease, capped: *ends == *most })
    }
}

/// Everything, at a moment.
struct World {
    now: Instant,
    machine: TokenMachine,
    server: Server,
    rng: fastrand::Rng,
    /// What is on its way to the life, with what it is an answer to.
    pending: Vec<(Instant, Event)>,
    /// Logins and renewals that reached the server.
    attempts: Vec<Instant>,
    probes: Vec<Instant>,
    generation: Generation,
    /// Whether callers ask for a path that is denied.
    calls_denied_path: bool,
}

impl World {
    fn new(role: Role, seed: u64) -> Self {
        let (tokens, lost, lost_at) = <_>::default();
        let locks_out = seed.is_multiple_of(2);
        let config = Config { revoke_replaced: true, repeatable: true, locks_out };
        let (mood, policies, made) = (Behavior::Healthy, 0, 0);
        Self {
            now: Instant::now(),
            machine: TokenMachine::new(config),
            server: Server { behavior: mood, role, tokens, lost, lost_at, policies, made },
            rng: fastrand::Rng::with_seed(seed),
            pending: Vec::new(),
            attempts: Vec::new(),
            probes: Vec::new(),
            generation: Generation::default(),
            calls_denied_path: false,
        }
    }

    fn apply(&mut self, event: Event) {
        let at = Moment { now: self.now, jitter: self.rng.f64() };
        let actions = self.machine.handle(event, at);
        for action in actions {
            self.perform(action);
        }
        self.assert_invariants();
    }

    fn perform(&mut self, action: Action) {
        let (now, mood) = (self.now, self.server.behavior);
        let latency = match mood {
            Behavior::Slow(seconds) => Duration::from_secs(seconds.into()),
            _ => Duration::from_millis(self.rng.u64(1..50)),
        };
        let event = match action {
            Action::LogIn => {
                self.attempts.extend((mood != Behavior::Down).then_some(now));
                self.login(now)
            }
            Action::Probe => {
                self.probes.push(now);
                Event::Probed { can_log_in: mood != Behavior::Down }
            }
            Action::Renew { issued: lease, increment, .. } => {
                self.attempts.extend((mood != Behavior::Down).then_some(now));
                self.renewal(&lease, increment)
            }
            Action::LookUp(lease) => {
                let unknown = || Liveness::Unknown(Error::new(ErrorKind::Unreachable, "look up"));
                let seen = match mood {
                    Behavior::Down | Behavior::LosesResponses => unknown(),
                    _ if self.server.lives(&lease.token, now) => Liveness::Alive,
                    _ => Liveness::Dead,
                };
                Event::LookedUp { generation: lease.generation, liveness: seen }
            }
            Action::Revoke(token) => {
                self.server.tokens.remove(token.expose());
                return;
            }
            Action::ResolveDenial { .. } => return,
        };
        self.pending.push((now + latency, event));
    }

    fn login(&mut self, asked: Instant) -> Event {
        let failed = |kind| Event::LoginFailed(Error::new(kind, "log in").into());
        match self.server.behavior {
            Behavior::Down => failed(ErrorKind::Unreachable),
            Behavior::LosesResponses => {
                // It lives there, and nobody knows it.
                let lost = self.server.log_in(asked).token;
                let (end, _) = self.server.tokens.remove(lost.expose()).unwrap();
                self.server.lost.push_back(end);
                self.server.lost_at.push(asked);
                failed(ErrorKind::Interrupted)
            }
            Behavior::RefusesLogins => Event::LoginFailed(LoginFailure {
                refused: true,
                ..LoginFailure::from(Error::new(ErrorKind::LoginRefused, "log in"))
            }),
            // The driver gives up after ten seconds.
            Behavior::Slow(10..) => failed(ErrorKind::Timeout),
            _ => Event::LoggedIn { login: self.server.log_in(asked), sent_at: asked },
        }
    }

    fn renewal(&mut self, lease: &vault_http::IssuedToken, increment: Duration) -> Event {
        let generation = lease.generation;
        let failed = |why| Event::RenewalFailed { generation, failure: why };
        let now = self.now;
        match self.server.behavior {
            Behavior::Down => failed(RenewalFailure::NoActiveNode),
            Behavior::LosesResponses | Behavior::Slow(10..) => failed(RenewalFailure::Unavailable),
            _ if !self.server.lives(&lease.token, now) => failed(RenewalFailure::Dead),
            Behavior::FailsRenewals(0) => failed(RenewalFailure::Forbidden),
            Behavior::FailsRenewals(1) => failed(RenewalFailure::NotRenewable),
            Behavior::FailsRenewals(_) => failed(RenewalFailure::Refused),
            _ => match self.server.renew(&lease.token, increment, now) {
                Some(renewal) if renewal.lease.is_zero() => failed(RenewalFailure::Refused),
                Some(renewal) => Event::Renewed { generation, renewal, sent_at: now },
                None => failed(RenewalFailure::Dead),
            },
        }
    }

    /// A caller's request with the token that is there; some are for a path that is denied.
    fn call(&mut self) {
        let Some(held) = &self.machine.active else { return };
        let reached = !matches!(self.server.behavior, Behavior::Down | Behavior::LosesResponses);
        let generation = held.generation();
        if reached && !self.server.lives(&held.issued.token, self.now) {
            let token_invalid = self.rng.bool();
            self.apply(Event::Denied(Denial { generation, token_invalid }));
        } else if reached && self.calls_denied_path {
            self.apply(Event::Denied(Denial { generation, token_invalid: false }));
        }
    }

    /// Lets time pass; a caller comes fifty times in it, and no more often than each second.
    fn advance(&mut self, seconds: u64) {
        let between = Duration::from_secs((seconds / 50).max(1));
        let until = self.now + Duration::from_secs(seconds);
        let mut calls = self.now;
        while self.now < until {
            let first = self.pending.iter().map(|(at, _)| *at).min();
            let due = self.machine.next_wakeup();
            let next = [first, due, Some(calls)].into_iter().flatten().min().unwrap_or(until);
            self.now = next.clamp(self.now, until);
            if let Some(place) = self.pending.iter().position(|(at, _)| *at <= self.now) {
                let (_, event) = self.pending.remove(place);
                self.apply(event);
            } else if due.is_some_and(|due| due <= self.now) {
                self.apply(Event::Tick);
            } else if calls <= self.now {
                self.call();
                calls = self.now + between;
            }
        }
    }

    /// What holds at any moment.
    fn assert_invariants(&mut self) {
        let (now, life) = (self.now, &self.machine);
        if let Some(held) = &life.active {
            assert!(held.usable_until().is_none_or(|end| now < end), "a token past its end");
        }
        assert!(life.generation >= self.generation, "generations only rise");
        self.generation = life.generation;
        let out = self
            .pending
            .iter()
            .filter(|(_, event)| matches!(event, Event::LoggedIn { .. } | Event::LoginFailed(_)));
        assert!(out.count() <= 1, "one login in flight");
        self.server.tokens.retain(|_, (end, _)| now < *end);
        let alive = self.server.tokens.len();
        // One that was made and is on its way counts, and is not known yet.
        assert!(alive <= 3, "{alive} tokens live");
        while self.server.lost.pop_front_if(|end| *end <= now).is_some() {}
        // Six for each minute that they live, and the first of each outage: a short lease is not
        // counted before something fails.
        let minutes = usize::try_from(self.server.role.lease / 60 + 1).unwrap();
        let lost = self.server.lost.len();
        assert!(lost <= 6 * minutes + MAX_BEHAVIORS, "{lost} lost tokens live");
    }

    /// Whether a token is there that the server takes.
    fn is_usable(&self) -> bool {
        let held = self.machine.active.as_ref();
        held.is_some_and(|held| self.server.lives(&held.issued.token, self.now))
    }

    /// The most logins and renewals in any minute.
    fn max_in_a_minute(&self) -> usize {
        max_within(&self.attempts, Duration::from_secs(60))
    }
}

/// The most of these moments in any period of this length.
fn max_within(moments: &[Instant], window: Duration) -> usize {
    let after =
        |from: &Instant| moments.iter().filter(|at| *at >= from && **at < *from + window).count();
    moments.iter().map(after).max().unwrap_or_default()
}

/// Moods that a server has, one after the other.
const MAX_BEHAVIORS: usize = 8;

fn behaviors() -> impl Strategy<Value = Vec<(Behavior, u64)>> {
    let mood = prop_oneof![
        Just(Behavior::Healthy),
        Just(Behavior::Down),
        (1_u32..15).prop_map(Behavior::Slow),
        Just(Behavior::LosesResponses),
        Just(Behavior::RefusesLogins),
        (0_u8..3).prop_map(Behavior::FailsRenewals),
        Just(Behavior::RevokesTokens),
    ];
    prop::collection::vec((mood, 1_u64..4_000), 0..MAX_BEHAVIORS)
}

fn roles(leases: std::ops::Range<u64>) -> impl Strategy<Value = Role> {
    (leases, 1_u64..5, any::<bool>()).prop_map(|(lease, most, renewable)| Role {
        lease,
        max_age: most,
        renewable,
    })
}

/// Longest time from the end of the last fault to a token that works: the wait of a refused
/// credential that did not change, at a method that locks out, a full budget, and the slowest login.
const RECOVERY_AFTER_REFUSAL: u64 = 900 + 60 + 10;
/// The same where no credential was refused.
const RECOVERY: u64 = 60 + 10;

fn simulate(role: Role, moods: &[(Behavior, u64)], seed: u64) -> World {
    let mut world = World::new(role, seed);
    for (number, (mood, seconds)) in moods.iter().enumerate() {
        world.server.behavior = *mood;
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
    fn whatever_a_server_does_is_survived(
        role in roles(300..100_000), moods in behaviors(), seed: u64,
    ) {
        let refused = moods.iter().any(|(mood, _)| *mood == Behavior::RefusesLogins);
        let mut world = simulate(role, &moods, seed);
        world.advance(if refused { RECOVERY_AFTER_REFUSAL } else { RECOVERY });
        prop_assert!(world.is_usable(), "{:?}", world.machine);
        // From then on it stays usable.
        for _ in 0..20 {
            world.advance(role.lease / 4);
            prop_assert!(world.is_usable(), "{:?}", world.machine);
        }
        prop_assert!(world.max_in_a_minute() <= 6);
        prop_assert!(max_within(&world.server.lost_at, Duration::from_secs(60)) <= 6);
        prop_assert!(max_within(&world.probes, Duration::from_millis(899)) <= 1);
    }

    #[test]
    fn server_that_comes_back_is_logged_in_to_within_two_seconds(
        role in roles(300..100_000), seconds in 1_u64..4_000, seed: u64,
    ) {
        let mut world = simulate(role, &[(Behavior::Healthy, 100), (Behavior::Down, seconds)], seed);
        world.advance(2);
        let held = world.machine.active.is_some();
        prop_assert!(world.is_usable() || held, "{:?}", world.machine);
        let mut world = simulate(role, &[(Behavior::Down, seconds)], seed);
        world.advance(2);
        prop_assert!(world.is_usable(), "{:?}", world.machine);
        prop_assert!(world.attempts.len() == 1);
    }

    #[test]
    fn denied_path_costs_a_login_in_five_minutes_and_new_policies_are_found(
        role in roles(600..100_000), seed: u64,
    ) {
        let mut world = simulate(role, &[(Behavior::Healthy, 100)], seed);
        world.calls_denied_path = true;
        world.advance(3_000);
        let spared = max_within(&world.attempts, Duration::from_secs(299));
        prop_assert!(spared <= 3, "a trial, a renewal and a login: {spared}");
        let before = world.machine.generation;
        world.server.policies += 1;
        world.advance(400);
        prop_assert!(world.machine.generation > before);
        let policies = world.machine.active.as_ref().and_then(|held| held.policies.clone());
        prop_assert_eq!(policies, Some(vec!["policy-1".to_owned()]));
        prop_assert!(world.is_usable());
    }

    #[test]
    fn a_credential_whose_file_is_mended_is_used_at_once(role in roles(300..100_000), seed: u64) {
        let mut world = simulate(role, &[(Behavior::RefusesLogins, 100)], seed);
        world.apply(Event::CredentialChanged { log_in_now: false });
        world.advance(1);
        prop_assert!(world.is_usable());
        // At 0, 5 and 65 s, and then at once.
        prop_assert!(world.attempts.len() == 4);
    }

    #[test]
    fn a_server_that_is_well_sees_one_request_a_lease(role in roles(2..2_000), seed: u64) {
        let mut world = simulate(role, &[], seed);
        world.advance(1);
        for _ in 0..100 {
            world.advance(role.lease);
            prop_assert!(world.is_usable(), "{:?}", world.machine);
        }
        // A renewal for each 0.55 of a lease, or each half of a short one; and at a token's greatest
        // age what is left of a lease is cut short.
        let most = if role.lease < 20 { 400 } else { 250 };
        prop_assert!(world.attempts.len() <= most, "{}", world.attempts.len());
        prop_assert_eq!(world.machine.counts.failures, 0);
    }

    #[test]
    fn a_token_that_may_grow_old_costs_a_renewal_a_lease(lease in 20_u64..100_000, seed: u64) {
        let mut world = simulate(Role { lease, max_age: 10_000, renewable: true }, &[], seed);
        world.advance(lease * 100);
        // Between 0.55 and 0.70 of a lease.
        prop_assert!((143..=183).contains(&world.attempts.len()), "{}", world.attempts.len());
        prop_assert_eq!(world.machine.counts.logins, 1);
    }

    #[test]
    fn leases_of_seconds_survive_too(role in roles(2..300), moods in behaviors(), seed: u64) {
        let refused = moods.iter().any(|(mood, _)| *mood == Behavior::RefusesLogins);
        let mut world = simulate(role, &moods, seed);
        world.advance(if refused { RECOVERY_AFTER_REFUSAL } else { RECOVERY });
        prop_assert!(world.is_usable(), "{:?}", world.machine);
    }
}

#[test]
fn after_a_revocation_with_dead_credentials_three_requests_are_made_in_a_minute() {
    let role = Role { lease: 3_600, max_age: 10, renewable: true };
    let mut world = simulate(role, &[(Behavior::Healthy, 100)], 1);
    world.server.behavior = Behavior::RefusesLogins;
    world.server.tokens.clear();
    let before = world.attempts.len();
    world.advance(60);
    // Beside the look-up.
    assert_eq!(world.attempts.len() - before, 2);
    assert_eq!(world.machine.state(), State::Rejected);
}

#[test]
fn what_the_greatest_age_leaves_of_a_long_lease_is_not_short() {
    let role = Role { lease: 379, max_age: 1, renewable: true };
    let mut world = simulate(
        role,
        &[(Behavior::Healthy, 1_279), (Behavior::LosesResponses, 127)],
        15_536_141_505_521_179_928,
    );
    world.advance(RECOVERY);
    assert!(world.is_usable());
    assert_eq!(world.max_in_a_minute(), 6);
}
