//! The whole stack up to the router, without a socket, for days of virtual time.
//!
//! A simulated Vault is healthy, slow, sealed or gone for random periods, rotates, deletes and
//! restores secrets and revokes tokens, while a client reads secrets at the native API. Each
//! response is compared with the history of the server: it is a value that is as young as the
//! settings promise, or an error that the situation allows.

mod vault;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use km_proxy_adapter::{KeyManager, VaultValidator};
use km_settings::{Env, Settings, Sources};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tower_service::Service as _;

use self::vault::{Mood, Vault};
use super::app::App;
use super::auth::token::Token;
use super::router;
use super::server::connections::{Admission, Connections};
use super::server::limits::Limits;

const REFRESH_INTERVAL: Duration = Duration::from_secs(300);
const POLL_INTERVAL: Duration = Duration::from_secs(60);
const MAX_STALE: Duration = Duration::from_secs(1_800);
/// The longest time for which the cache remembers that a secret is missing (`docs/defaults.md`).
const NEGATIVE_TTL: Duration = Duration::from_secs(5);
/// The longest time from the end of a fault to a working login (`docs/reliability.md`).
const RECOVERS_WITHIN: Duration = Duration::from_secs(70);
/// The longest that a response may take: the deadline, and the time for reporting its end.
const RESPONDS_WITHIN: Duration = Duration::from_millis(5_500);
/// The time that a response of a healthy server takes at most, and the rounding of `age_seconds`.
const TOLERANCE: Duration = Duration::from_secs(1);

const STORED: [&str; 3] = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "MISTRAL_API_KEY"];
const MISSING: &str = "MISSING_KEY";

struct Variables;

impl Env for Variables {
    fn var(&self, name: &str) -> Option<OsString> {
        let value = match name {
            "HCP_VAULT_ADDR" => "http://127.0.0.1:8200",
            "HCP_VAULT_APPROLE_ROLE_ID" => "role-id",
            "HCP_VAULT_APPROLE_SECRET_ID" => "secret-id",
            "HCP_VAULT_REFRESH_INTERVAL" => "300",
            "KM_POLL_INTERVAL" => "60s",
            "KM_MAX_STALE" => "30m",
            "KM_DEADLINE" => "5s",
            _ => return None,
        };
        Some(value.into())
    }
}

/// The sidecar, its server, and one connection of a client.
#[derive(Clone)]
struct World {
    vault: Vault,
    routes: Router,
    admission: Arc<Admission>,
    seed: u64,
    /// How many responses of each kind were verified.
    counts: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

/// The part of a response that is verified.
#[derive(Debug)]
struct Outcome {
    name: &'static str,
    started: Instant,
    ended: Instant,
    /// Since when the server had been healthy at the start, if it was to the end.
    healthy_since: Option<Instant>,
    /// When a client of the server last read the value, at the start.
    loaded: Option<Instant>,
    status: StatusCode,
    body: serde_json::Value,
}

impl World {
    /// Starts a sidecar with all that `km serve` runs in the background.
    async fn start(seed: u64, tasks: &mut JoinSet<()>) -> Self {
        fastrand::seed(seed);
        let vault = Vault::new();
        vault.lock().set_mood(Mood::Healthy);
        for name in STORED {
            vault.lock().rotate(name, true);
        }
        let sources = Sources { env: &Variables, yaml: None, validator: &VaultValidator };
        let settings = Settings::from_sources(&sources).unwrap().for_server();
        assert_eq!((settings.refresh_interval, settings.max_stale), (REFRESH_INTERVAL, MAX_STALE));
        let keys = KeyManager::connect_over(settings, Variables, vault.transport()).unwrap();
        let recorder = PrometheusBuilder::new().build_recorder().handle();
        let app = Arc::new(App::new(keys, Token::None, recorder));
        let routes = router::main(&app);
        let published = Arc::clone(&app);
        tasks.spawn(async move { published.readiness.publish().await });
        tasks.spawn(async move { app.readiness.first_login().await });
        Self { vault, routes, admission: connection(tasks).await, seed, counts: Arc::default() }
    }

    /// Lets time pass, while the client reads secrets, or pauses for longer than the refresh
    /// interval, and the operator changes them.
    async fn pass(&self, time: Duration, outcomes: &mut JoinSet<Outcome>) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            let world = self.clone();
            let name = STORED.get(fastrand::usize(0..4)).copied().unwrap_or(MISSING);
            outcomes.spawn(async move { world.get(name).await });
            if fastrand::u8(0..60) == 0 {
                let name = STORED[fastrand::usize(0..3)];
                self.vault.lock().rotate(name, fastrand::u8(0..5) > 0);
            }
            if fastrand::u16(0..400) == 0 {
                self.vault.lock().revoke_all();
            }
            let is_idle = fastrand::u8(0..40) == 0;
            let wait = if is_idle { random_time(300, 900) } else { random_time(1, 20) };
            sleep_until(until.min(Instant::now() + wait)).await;
            while let Some(outcome) = outcomes.try_join_next() {
                self.verify(&outcome.unwrap());
            }
        }
    }

    async fn get(&self, name: &'static str) -> Outcome {
        let request = Request::get(format!("/km/v1/secrets/{name}"))
            .extension(Arc::clone(&self.admission))
            .body(Body::empty())
            .unwrap();
        let (started, healthy_since, loaded) = {
            let vault = self.vault.lock();
            (Instant::now(), vault.healthy_since(), vault.loaded(name))
        };
        let response = self.routes.clone().call(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap();
        let healthy_since = healthy_since.filter(|_| self.vault.lock().mood() == Mood::Healthy);
        let ended = Instant::now();
        Outcome { name, started, ended, healthy_since, loaded, status, body }
    }

    fn verify(&self, outcome: &Outcome) {
        let Outcome { name, started, ended, healthy_since, loaded, status, body } = outcome;
        let (vault, seed) = (self.vault.lock(), self.seed);
        assert!(*ended - *started <= RESPONDS_WITHIN, "{outcome:?} seed {seed}");
        let recovered = healthy_since.is_some_and(|since| since + RECOVERS_WITHIN <= *started);
        match *status {
            StatusCode::OK => {
                let version = body["version"].as_u64().unwrap();
                assert_eq!(body["value"], format!("{name}-{version}"), "seed {seed}");
                let age = Duration::from_secs(body["age_seconds"].as_u64().unwrap());
                let stale = body["stale"].as_bool().unwrap();
                let outdated = vault.superseded_at(name, version);
                let outdated =
                    outdated.map_or(Duration::ZERO, |at| started.saturating_duration_since(at));
                assert!(outdated <= age + TOLERANCE, "{outdated:?} {outcome:?} seed {seed}");
                let most = if stale { REFRESH_INTERVAL + MAX_STALE } else { REFRESH_INTERVAL };
                assert!(age <= most, "{outcome:?} seed {seed}");
                assert!(!(stale && recovered), "{outcome:?} seed {seed}");
                self.count(if stale { "stale" } else { "fresh" });
            }
            StatusCode::NOT_FOUND => {
                let known_since = *started - NEGATIVE_TTL - TOLERANCE;
                let was_missing = vault.was_missing(name, known_since, *ended);
                assert!(was_missing, "{outcome:?} seed {seed}");
                self.count("missing");
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                assert!(!recovered, "{outcome:?} seed {seed}");
                let held = loaded.is_some_and(|loaded| {
                    started.duration_since(loaded) + TOLERANCE < REFRESH_INTERVAL + MAX_STALE
                });
                let was_missing = vault.was_missing(name, loaded.unwrap_or(*started), *ended);
                assert!(!held || was_missing, "{outcome:?} seed {seed}");
                self.count("unavailable");
            }
            _ => panic!("{outcome:?} seed {seed}"),
        }
    }

    fn count(&self, kind: &'static str) {
        *self.counts.lock().unwrap().entry(kind).or_default() += 1;
    }

    fn assert_rates(&self) {
        let vault = self.vault.lock();
        let minute = Duration::from_secs(60);
        let check = |what, moments: &[Instant], most| {
            let count = most_within(moments, minute);
            assert!(count <= most, "{count} {what} within {minute:?}, seed {}", self.seed);
        };
        check("logins and renewals", &vault.logins, 6);
        // A probe every 0.9 s without a token, and one for readiness every 5 s.
        check("health requests", &vault.health, 67 + 12);
        // A probe a second for all names that have a value, a readiness check a second that reads a
        // name without one, and the client's own reads, of which few are sent again.
        check("reads", &vault.reads, 60 + 60 + 24);
    }
}

/// A connection that stays open as long as its task.
async fn connection(tasks: &mut JoinSet<()>) -> Arc<Admission> {
    let connections = Connections::new(Limits { authenticated: 1, unauthenticated: 1 });
    let permit = connections.permit().await.unwrap();
    let admission = Arc::new(OnceLock::new());
    let place = Arc::clone(&admission);
    connections.spawn(0, permit, tasks, |admission| {
        let _ = place.set(admission);
        std::future::pending()
    });
    Arc::clone(admission.get().unwrap())
}

fn random_time(from: u64, to: u64) -> Duration {
    Duration::from_millis(fastrand::u64(from * 1_000..to * 1_000))
}

/// Returns the most of these moments in any period of this length.
fn most_within(moments: &[Instant], window: Duration) -> usize {
    let mut first = 0;
    let counts = moments.iter().enumerate().map(|(last, at)| {
        while moments[first] + window <= *at {
            first += 1;
        }
        last + 1 - first
    });
    counts.max().unwrap_or_default()
}

fn on_paused_time(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(test);
}

#[test]
fn every_response_is_as_young_as_promised_or_an_error_that_is_allowed() {
    for seed in 0..2 {
        on_paused_time(async {
            let (mut tasks, mut outcomes) = (JoinSet::new(), JoinSet::new());
            let world = World::start(seed, &mut tasks).await;
            let ends = Instant::now() + Duration::from_secs(86_400);
            while Instant::now() < ends {
                let fault = match fastrand::u8(0..5) {
                    0 => Mood::Unreachable,
                    1 => Mood::Sealed,
                    2 => Mood::NoLeader,
                    3 => Mood::Slow(fastrand::u64(1..12)),
                    _ => Mood::Healthy,
                };
                for mood in [fault, Mood::Healthy] {
                    world.vault.lock().set_mood(mood);
                    world.pass(random_time(1, 5_400), &mut outcomes).await;
                }
            }
            sleep(RESPONDS_WITHIN).await;
            world.assert_rates();
            let counts = world.counts.lock().unwrap();
            for kind in ["fresh", "stale", "missing", "unavailable"] {
                assert!(counts.contains_key(kind), "no {kind} in {counts:?}, seed {seed}");
            }
        });
    }
}

#[test]
fn rotation_is_served_within_the_poll_interval_at_one_read_of_a_name_per_interval() {
    on_paused_time(async {
        let mut tasks = JoinSet::new();
        let world = World::start(0, &mut tasks).await;
        let (hours, mut rotations) = (6, 0);
        let ends = Instant::now() + Duration::from_secs(hours * 3_600);
        while Instant::now() < ends {
            for name in STORED {
                let outcome = world.get(name).await;
                assert_eq!(outcome.status, StatusCode::OK, "{outcome:?}");
                let version = outcome.body["version"].as_u64().unwrap();
                let mut vault = world.vault.lock();
                let outdated = vault.superseded_at(name, version);
                let noticed = outdated.is_none_or(|at| outcome.started <= at + POLL_INTERVAL);
                assert!(noticed, "{outcome:?}");
                if fastrand::u8(0..20) == 0 {
                    vault.rotate(name, true);
                    rotations += 1;
                }
            }
            sleep(random_time(1, 20)).await;
        }
        assert!(rotations > 100, "{rotations}");
        // Each is read again within the last tenth of the interval of 60 s.
        let (least, most) = (60 * hours * 3, 60 * hours * 3 * 10 / 9 + 3);
        let reads = world.vault.lock().reads.len();
        assert!((least..=most).contains(&u64::try_from(reads).unwrap()), "{reads}");
        world.assert_rates();
    });
}
