//! A token source against a simulated Vault, over the public API, for days of virtual time.
//!
//! The server is healthy, slow, sealed or gone for random periods, loses responses, refuses logins
//! and revokes tokens, while callers read secrets. The rules that must hold are verified whenever a
//! token is handed out and after every step. A failing schedule is printed with its seed.
//!
//! The state machine alone is simulated in `src/`; here the driver, the requests and the retries of
//! the client take part.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod vault;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use vault_auth::{AppRole, Auth, Credential};
use vault_http::{
    Address, ApiPath, Client, Denial, DenialOutcome, Error, ErrorKind, Generation, IssuedToken,
    Plaintext, Request, Session, TokenSource,
};

use vault::{Mood, Role, TokenState, Vault};

/// The most periods of a schedule.
const MAX_PERIODS: usize = 8;
/// The longest time from the end of the last fault to a token that works (`docs/reliability.md`).
const RECOVERS_WITHIN: u64 = 70;
/// Like [`RECOVERS_WITHIN`], after a credential was refused that stays the same.
const RECOVERS_AFTER_REFUSAL_WITHIN: u64 = 970;
/// The longest time for which a token that has died is reported as alive: it was looked up up to
/// 5 s before, and the response to that took up to 10 s.
const CONFIRMED_FOR: Duration = Duration::from_secs(15);

/// A period of a schedule.
#[derive(Debug, Clone, Copy)]
struct Period {
    mood: Mood,
    seconds: u64,
    /// Whether an operator revokes all tokens at its beginning.
    revokes_all: bool,
}

/// The token source under test. It verifies each token that it hands out.
#[derive(Clone)]
struct Verified {
    auth: Auth,
    vault: Vault,
    seen: Arc<Mutex<Seen>>,
}

/// What callers know of the tokens.
#[derive(Debug, Default)]
struct Seen {
    /// The newest generation that was handed out.
    newest: Generation,
    /// The token of that generation.
    token: String,
    /// The newest generation that was reported dead to a caller.
    dead: Generation,
}

#[async_trait]
impl TokenSource for Verified {
    async fn token(&self) -> Result<IssuedToken, Error> {
        let issued = self.auth.token().await?;
        let mut seen = self.seen.lock().unwrap();
        let generation = issued.generation;
        let token = issued.token.expose();
        if matches!(self.vault.token_state(token), TokenState::ExpiredAt(_)) {
            self.vault.violation(format!("{generation:?} was handed out after its end"));
        }
        if generation <= seen.dead {
            self.vault.violation(format!("{generation:?} was handed out after it was found dead"));
        }
        if generation < seen.newest {
            self.vault.violation(format!("{generation:?} after {:?}", seen.newest));
        }
        (seen.newest, seen.token) = (generation, token.to_owned());
        Ok(issued)
    }

    async fn denied(&self, denial: Denial) -> Result<DenialOutcome, Error> {
        let outcome = self.auth.denied(denial).await?;
        let mut seen = self.seen.lock().unwrap();
        match outcome {
            DenialOutcome::Replaced => seen.dead = seen.dead.max(denial.generation),
            DenialOutcome::PathDenied if denial.generation == seen.newest => {
                let since = match self.vault.token_state(&seen.token) {
                    TokenState::Valid => return Ok(outcome),
                    TokenState::ExpiredAt(at) | TokenState::RevokedAt(at) => at,
                };
                if since.elapsed() > CONFIRMED_FOR {
                    self.vault.violation(format!("a token dead since {since:?} was found alive"));
                }
            }
            _ => {}
        }
        Ok(outcome)
    }
}

/// A token source, its callers and the server.
struct World {
    vault: Vault,
    tokens: Verified,
    session: Session,
    random: fastrand::Rng,
    callers: JoinSet<()>,
    role: Role,
    recovers_within: Duration,
}

impl World {
    fn new(role: Role, seed: u64) -> Self {
        // The driver and the client draw from this thread's generator.
        fastrand::seed(seed);
        let vault = Vault::new(role, seed);
        let address = Address::parse("http://127.0.0.1:8200", Plaintext::LoopbackOnly).unwrap();
        let client = Client::builder(address).transport(vault.transport()).build().unwrap();
        let method = AppRole::new(
            Credential::Value("role-id".into()),
            Credential::Value("secret-id".into()),
        );
        let auth = Auth::builder(client.clone(), method).revoke_replaced(true).build();
        let tokens = Verified { auth, vault: vault.clone(), seen: Arc::default() };
        let session = Session::new(client, tokens.clone());
        Self {
            vault,
            tokens,
            session,
            random: fastrand::Rng::with_seed(seed),
            callers: JoinSet::new(),
            role,
            recovers_within: Duration::from_secs(RECOVERS_WITHIN),
        }
    }

    /// Lives through `schedule`, then through the time that the recovery may take.
    async fn live(&mut self, schedule: &[Period]) {
        if schedule.iter().any(|period| period.mood == Mood::Refusing) {
            self.recovers_within = Duration::from_secs(RECOVERS_AFTER_REFUSAL_WITHIN);
        }
        for period in schedule {
            self.vault.set_mood(period.mood);
            if period.revokes_all {
                self.vault.revoke_all();
            }
            self.tokens.auth.start();
            self.pass(Duration::from_secs(period.seconds)).await;
        }
        self.vault.set_mood(Mood::Healthy);
        self.tokens.auth.start();
        self.pass(self.recovers_within).await;
    }

    /// Lets time pass, while about fifty callers come, and no more often than each second.
    async fn pass(&mut self, time: Duration) {
        let (until, between) = (Instant::now() + time, (time / 50).max(Duration::from_secs(1)));
        while Instant::now() < until {
            for _ in 0..self.random.u8(1..4) {
                self.call();
            }
            let wait = between.mul_f64(0.5 + self.random.f64());
            tokio::time::sleep_until(until.min(Instant::now() + wait)).await;
            self.verify();
        }
    }

    /// Reads a secret. After the recovery from the last fault, the read must succeed.
    fn call(&mut self) {
        let (session, vault) = (self.session.clone(), self.vault.clone());
        let recovers_within = self.recovers_within;
        let is_denied = self.random.u8(0..8) == 0;
        self.callers.spawn(async move {
            let recovered = || {
                let since = vault.healthy_since();
                since.filter(|since| since.elapsed() >= recovers_within)
            };
            let before = recovered();
            let path = if is_denied { "secret/data/denied" } else { "secret/data/name" };
            let request = Request::get(ApiPath::from_static(path));
            let outcome = session.send(&request, session.deadline()).await;
            if before.is_none() || before != recovered() {
                return;
            }
            match outcome {
                Ok(_) if !is_denied => {}
                Err(error) if is_denied && error.kind() == ErrorKind::Denied => {}
                Ok(_) => vault.violation("a denied path was read".to_owned()),
                Err(error) => vault.violation(format!("a healthy server: {error}")),
            }
        });
    }

    /// Verifies what holds at any time.
    fn verify(&mut self) {
        while let Some(ended) = self.callers.try_join_next() {
            ended.unwrap();
        }
        let state = self.vault.lock();
        assert!(state.violations.is_empty(), "{:?}", state.violations);
        let (known, lost) = state.valid_tokens();
        // The one in use, the one before, and one whose response is under way.
        assert!(known <= 3, "{known} tokens are valid");
        // Six for each minute that they live, and the first of each period: a login that a healthy
        // token makes necessary is not counted.
        let minutes = usize::try_from(self.role.ttl / 60 + 1).unwrap();
        assert!(lost <= 6 * minutes + MAX_PERIODS, "{lost} tokens are lost and valid");
    }

    fn assert_rates(&self) {
        let state = self.vault.lock();
        let minute = Duration::from_secs(60);
        let check = |what, moments: &[Instant], window, most| {
            let count = most_within(moments, window);
            assert!(count <= most, "{count} {what} within {window:?}");
        };
        check("logins and renewals", &state.attempts, minute, 6);
        check("lost logins", &state.lost, minute, 6);
        check("probes", &state.probes, Duration::from_millis(899), 1);
        // Without a token, probes take the place of logins; with one, the backoff doubles.
        check("logins and renewals that reached no node", &state.unreached, minute, 20);
    }
}

/// Returns the most of these moments in any period of this length.
fn most_within(moments: &[Instant], window: Duration) -> usize {
    let mut most = 0;
    let mut first = 0;
    for (last, at) in moments.iter().enumerate() {
        while moments[first] + window <= *at {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

fn on_paused_time<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(test)
}

fn schedules() -> impl Strategy<Value = Vec<Period>> {
    let mood = prop_oneof![
        Just(Mood::Healthy),
        Just(Mood::Down),
        Just(Mood::Sealed),
        Just(Mood::NoLeader),
        (1_u32..15).prop_map(Mood::Slow),
        Just(Mood::Lossy),
        Just(Mood::Refusing),
        (0_u8..3).prop_map(Mood::Unrenewing),
        Just(Mood::Revoking),
        any::<bool>().prop_map(|retry_after| Mood::RateLimited { retry_after }),
    ];
    let period = (mood, 1_u64..4_000, prop::bool::weighted(0.2));
    let period =
        period.prop_map(|(mood, seconds, revokes_all)| Period { mood, seconds, revokes_all });
    prop::collection::vec(period, 0..MAX_PERIODS)
}

fn roles(ttls: std::ops::Range<u64>) -> impl Strategy<Value = Role> {
    (ttls, 1_u32..5, any::<bool>(), any::<bool>()).prop_map(
        |(ttl, max_ttls, renewable, names_dead_tokens)| Role {
            ttl,
            max_ttls,
            renewable,
            names_dead_tokens,
        },
    )
}

const ROLE: Role = Role { ttl: 3_600, max_ttls: 24, renewable: true, names_dead_tokens: true };

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(24)
    })]

    #[test]
    fn faults_in_any_order_are_recovered_from_within_the_documented_time(
        role in roles(300..10_000), schedule in schedules(), seed: u64,
    ) {
        on_paused_time(async {
            let mut world = World::new(role, seed);
            world.live(&schedule).await;
            prop_assert!(world.tokens.auth.status().is_ready(), "{:?}", world.tokens.auth.status());
            // From then on, every read succeeds.
            for _ in 0..12 {
                world.pass(Duration::from_secs(role.ttl / 4)).await;
            }
            sleep(Duration::from_secs(10)).await;
            world.verify();
            world.assert_rates();
            Ok(())
        })?;
    }

    #[test]
    fn server_that_is_active_again_is_logged_in_to_within_two_seconds(
        outage in prop_oneof![Just(Mood::Down), Just(Mood::Sealed), Just(Mood::NoLeader)],
        seconds in 1_u64..4_000,
        seed: u64,
    ) {
        on_paused_time(async {
            let world = World::new(ROLE, seed);
            world.vault.set_mood(outage);
            world.tokens.auth.start();
            sleep(Duration::from_secs(seconds)).await;
            world.vault.set_mood(Mood::Healthy);
            sleep(Duration::from_secs(2)).await;
            prop_assert!(world.tokens.auth.status().is_ready());
            prop_assert_eq!(world.vault.lock().attempts.len(), 1);
            world.assert_rates();
            Ok(())
        })?;
    }
}

#[test]
fn healthy_server_receives_one_renewal_a_lease_for_ten_days() {
    on_paused_time(async {
        let mut world = World::new(Role { max_ttls: 10_000, ..ROLE }, 1);
        world.live(&[]).await;
        world.pass(Duration::from_secs(10 * 86_400)).await;
        let counts = world.tokens.auth.status().counts;
        assert_eq!((counts.logins, counts.failures, counts.refusals), (1, 0, 0));
        // A renewal at 0.55 to 0.70 of each of the 240 leases.
        assert!((342..=437).contains(&counts.renewals), "{counts:?}");
    });
}

#[test]
fn lost_responses_to_logins_leave_at_most_six_unknown_tokens_a_minute() {
    on_paused_time(async {
        let mut world = World::new(ROLE, 2);
        let lossy = Period { mood: Mood::Lossy, seconds: 3_000, revokes_all: false };
        world.live(&[lossy]).await;
        let lost = world.vault.lock().lost.clone();
        // One every 20 s on average at least: the source does not stop trying either.
        assert!((100..=300).contains(&lost.len()), "{}", lost.len());
        assert_eq!(world.vault.lock().valid_tokens(), (1, lost.len()));
        world.assert_rates();
    });
}

#[test]
fn tokens_that_are_revoked_at_once_do_not_become_a_storm_of_logins() {
    on_paused_time(async {
        for names_dead_tokens in [false, true] {
            let mut world = World::new(Role { names_dead_tokens, ..ROLE }, 3);
            let revoking = Period { mood: Mood::Revoking, seconds: 3_600, revokes_all: true };
            world.live(&[revoking]).await;
            world.assert_rates();
        }
    });
}
