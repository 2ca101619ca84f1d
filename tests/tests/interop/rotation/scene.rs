//! One Vault, one provider, and one way between them.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Provider, secret};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::way::{Kind, Way, program};
use crate::world::World;

/// The provider's key in Vault.
pub(super) const NAME: &str = "OPENAI_API_KEY";

/// `KM_POLL_INTERVAL` of these tests.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// How long `km rotate` waits at the end, for requests that have the old key.
const SETTLE: &str = "1s";

/// A sidecar reads a name at most once a second.
const BETWEEN_ROTATIONS: Duration = Duration::from_secs(1);

/// Longer than any way takes on a loaded machine.
const IN_USE_WITHIN: Duration = Duration::from_secs(60);

/// How a key is rotated.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rotation {
    /// `km rotate`; the old key is revoked when it reports success.
    Command,
    /// A plain write; the old key is revoked one second after the poll interval.
    Write,
    /// A plain write; the old key is revoked at once.
    Replacement,
}

pub(super) struct Scene {
    pub(super) provider: Provider,
    pub(super) way: Way,
    world: World,
    files: TempDir,
    /// The newest one is last.
    keys: Vec<String>,
}

impl Scene {
    /// Stores the first key, and starts the way.
    pub(super) async fn new(kind: Kind) -> Result<Self> {
        let (world, provider) = (World::new().await?, Provider::start().await?);
        let first = secret("key");
        provider.accept(&first);
        store(&world, &first).await?;
        let way = Way::start(kind, &world).await?;
        Ok(Self { provider, way, world, files: tempfile::tempdir()?, keys: vec![first] })
    }

    /// Waits until the newest key is used, and returns the time of its first use.
    pub(super) async fn until_in_use(&self) -> Result<Instant> {
        let newest = self.keys.last().context("no key")?;
        let used = timeout(IN_USE_WITHIN, self.provider.first_use(newest)).await;
        used.context("the new key is not used")
    }

    /// Rotates the key, and returns the time from its write to its first use.
    pub(super) async fn rotate(&mut self, rotation: Rotation) -> Result<Duration> {
        let old = self.keys.last().context("no key")?.clone();
        match rotation {
            Rotation::Command => self.rotate_by_command().await?,
            Rotation::Write | Rotation::Replacement => self.write_another().await.map(drop)?,
        }
        let written = self.written().await?;
        if let Rotation::Write = rotation {
            sleep_until(written + POLL_INTERVAL + Duration::from_secs(1)).await;
        }
        self.provider.revoke(&old);
        let first = self.until_in_use().await?;
        sleep(BETWEEN_ROTATIONS).await;
        Ok(first.duration_since(written))
    }

    /// Returns the time at which Vault created the newest version.
    async fn written(&self) -> Result<Instant> {
        let path = format!("{}/data/{NAME}", self.world.mount());
        let document = self.world.access.must("GET", &path, None).await?;
        let created = document.pointer("/data/metadata/created_time").and_then(Value::as_str);
        let created = humantime::parse_rfc3339(created.context("no time")?)?;
        Instant::now().checked_sub(created.elapsed()?).context("no such time")
    }

    /// Stores another key, and returns it.
    pub(super) async fn write_another(&mut self) -> Result<String> {
        let new = self.mint();
        store(&self.world, &new).await?;
        Ok(new)
    }

    async fn rotate_by_command(&mut self) -> Result<()> {
        let next = self.files.path().join("next");
        std::fs::write(&next, self.mint())?;
        let mint = format!("cat {}", next.display());
        let km = program(&self.world).args(["rotate", NAME, "--with", &mint, "--settle", SETTLE]);
        km.args(self.way.arguments()).run().await?.expect(0).map(drop)
    }

    /// Makes a key that the provider accepts.
    fn mint(&mut self) -> String {
        let new = secret("key");
        self.provider.accept(&new);
        self.keys.push(new.clone());
        new
    }

    pub(super) fn keys(&self) -> &[String] {
        &self.keys
    }

    pub(super) async fn end(self) -> Result<()> {
        self.way.end().await
    }
}

/// Writes a key without `km`.
async fn store(world: &World, key: &str) -> Result<()> {
    let path = format!("{}/data/{NAME}", world.mount());
    world.access.must("POST", &path, json!({ "data": { "key": key } })).await.map(drop)
}

/// Prints the median and the 99th percentile of times from a write to the first use.
pub(super) fn print(what: &str, delays: &mut [Duration], rejected: u64) {
    delays.sort();
    let at = |percent: usize| {
        let index = (delays.len() * percent).div_ceil(100).saturating_sub(1);
        delays.get(index).copied().unwrap_or_default().as_millis()
    };
    let (p50, p99) = (at(50), at(99));
    print_line(&format!(
        "{what}: p50 {p50} ms, p99 {p99} ms of {}; {rejected} rejected",
        delays.len()
    ));
}

#[expect(clippy::print_stdout, reason = "the figures of the benchmarks")]
pub(super) fn print_line(text: &str) {
    println!("{text}");
}
