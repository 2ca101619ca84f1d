//! A secret with a key that a provider accepts, and the `km rotate` that rotates it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Access, Fixture, FixtureSpec, Km, Running, Server, secret};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::task::JoinSet;

use super::provider::Provider;
use crate::cli::common::{NAME, writer};

/// The time between two updates of a [`Mirror`].
const UPDATE_INTERVAL: Duration = Duration::from_millis(20);

/// A secret at its first version, with another field and custom metadata, and its provider.
pub(super) struct World {
    pub(super) fixture: Fixture,
    pub(super) provider: Provider,
    /// The key of the first version.
    pub(super) first: String,
}

impl World {
    pub(super) async fn new() -> Result<Self> {
        Self::with(FixtureSpec::default()).await
    }

    pub(super) async fn with(spec: FixtureSpec) -> Result<Self> {
        Self::of(Server::shared().await?.fixture_with(spec).await?).await
    }

    pub(super) async fn of(fixture: Fixture) -> Result<Self> {
        let (provider, first) = (Provider::new()?, secret("first"));
        provider.accept(&first)?;
        fixture.put(NAME, json!({ "key": first, "user": "root" })).await?;
        let metadata = json!({ "custom_metadata": { "owner": "team" } });
        let path = format!("{}/metadata/{NAME}", fixture.mount);
        fixture.server().must("POST", &path, metadata).await?;
        Ok(Self { fixture, provider, first })
    }

    /// Returns `km rotate`, which mints and verifies.
    pub(super) fn km(&self) -> Km {
        self.km_with(&self.provider.mint(), &self.provider.verify())
    }

    /// Like [`Self::km`], with other commands.
    pub(super) fn km_with(&self, mint: &str, verify: &str) -> Km {
        self.settling(mint, verify, "0s")
    }

    fn settling(&self, mint: &str, verify: &str, settle: &str) -> Km {
        let km = writer(&self.fixture).args(["rotate", NAME, "--with", mint, "--verify", verify]);
        km.args(["--settle", settle])
    }

    /// Returns `km rotate`, which also revokes the old key once these files show the new one.
    pub(super) fn km_for(&self, files: &Mirror) -> Km {
        revoking(self.km(), &self.provider.revoke(), files)
    }

    /// Like [`Self::km_for`], with a time to settle.
    pub(super) fn km_settling(&self, files: &Mirror, settle: &str) -> Km {
        let km = self.settling(&self.provider.mint(), &self.provider.verify(), settle);
        revoking(km, &self.provider.revoke(), files)
    }

    /// Returns the current version and its key.
    pub(super) async fn current(&self) -> Result<(u64, String)> {
        let (_, response) = self.fixture.get(NAME).await?;
        let data = response.pointer("/data").context("no current version")?;
        let version = data.pointer("/metadata/version").and_then(Value::as_u64);
        let key = data.pointer("/data/key").and_then(Value::as_str);
        Ok((version.context("no version")?, key.context("no key")?.to_owned()))
    }

    /// Fails unless the provider accepts the key that Vault holds.
    pub(super) async fn expect_current_key_is_valid(&self) -> Result<()> {
        let (version, key) = self.current().await?;
        ensure!(self.provider.accepts(&key), "the key of version {version} is not valid");
        Ok(())
    }

    /// Fails unless a rotation has completed at this version: the provider accepts its key and no
    /// other, the other field and the custom metadata are kept, and no record is left.
    pub(super) async fn expect_rotated(&self, expected: u64) -> Result<()> {
        self.expect_stored(expected).await?;
        let (_, key) = self.current().await?;
        let keys = self.provider.keys()?;
        ensure!(
            keys.iter().eq([&key]),
            "valid keys besides the current one, or none: {}",
            keys.len()
        );
        Ok(())
    }

    /// Like [`Self::expect_rotated`], but other keys may be valid too.
    pub(super) async fn expect_stored(&self, expected: u64) -> Result<()> {
        self.expect_current_key_is_valid().await?;
        let (version, _) = self.current().await?;
        ensure!(version == expected, "version {version} instead of {expected}");
        let (_, stored) = self.fixture.get(NAME).await?;
        ensure!(stored.pointer("/data/data/user") == Some(&json!("root")), "a field was lost");
        let custom = self.custom_metadata().await?;
        ensure!(custom == json!({ "owner": "team" }), "custom metadata: {custom}");
        Ok(())
    }

    pub(super) async fn custom_metadata(&self) -> Result<Value> {
        let path = format!("{}/metadata/{NAME}", self.fixture.mount);
        let metadata = self.fixture.server().must("GET", &path, None).await?;
        Ok(metadata.pointer("/data/custom_metadata").cloned().unwrap_or_default())
    }

    /// Stores the text of a record.
    pub(super) async fn put_record(&self, text: &str) -> Result<()> {
        let custom = json!({ "custom_metadata": { "owner": "team", "km_rotation": text } });
        let path = format!("{}/metadata/{NAME}", self.fixture.mount);
        self.fixture.server().must("POST", &path, custom).await.map(drop)
    }

    /// Returns the version whose key the record of a rotation names.
    pub(super) async fn recorded_version(&self) -> Result<Option<u64>> {
        let custom = self.custom_metadata().await?;
        let Some(text) = custom.get("km_rotation").and_then(Value::as_str) else {
            return Ok(None);
        };
        let record: Value = serde_json::from_str(text)?;
        Ok(Some(record.get("old_version").and_then(Value::as_u64).context("no old version")?))
    }
}

/// Adds the revocation of the old key, once these files show the new one.
pub(super) fn revoking(km: Km, revoke: &str, files: &Mirror) -> Km {
    km.args(["--revoke", revoke, "--files"]).args([files.path()])
}

/// Waits until a line with this beginning is on stdout. The rest of stdout is lost.
pub(super) async fn until_printed(running: &mut Running, beginning: &str) -> Result<()> {
    let stdout = running.child().stdout.take().context("no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        if line.starts_with(beginning) {
            // Reads the rest, so that the program can go on printing.
            running.child().stdout = Some(lines.into_inner().into_inner());
            return Ok(());
        }
    }
    anyhow::bail!("{beginning:?} was not printed")
}

/// A directory whose file always has the current key, as `km sync` writes it.
pub(super) struct Mirror {
    directory: TempDir,
    _task: JoinSet<()>,
}

impl Mirror {
    pub(super) async fn of(world: &World) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let (server, file) = (world.fixture.server().clone(), directory.path().join(NAME));
        let path = format!("{}/data/{NAME}", world.fixture.mount);
        update(&server, &path, &file).await?;
        let mut task = JoinSet::new();
        task.spawn(async move {
            loop {
                tokio::time::sleep(UPDATE_INTERVAL).await;
                // A failure leaves the old file.
                let _ = update(&server, &path, &file).await;
            }
        });
        Ok(Self { directory, _task: task })
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }
}

async fn update(server: &Access, path: &str, file: &PathBuf) -> Result<()> {
    let response = server.must("GET", path, None).await?;
    let key = response.pointer("/data/data/key").and_then(Value::as_str).context("no key")?;
    let new = file.with_extension("new");
    std::fs::write(&new, key)?;
    Ok(std::fs::rename(new, file)?)
}
