//! Shared helpers for virtual keys: a gateway that has exactly the capabilities of its policy.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use testkit::{Fixture, FixtureSpec, Km, Output, Server};

/// The settings that enable the storage of virtual keys.
const STORE_VIRTUAL_KEYS: [(&str, &str); 2] =
    [("KM_STORE_VIRTUAL_KEYS", "true"), ("KM_ACCESS_MODE", "read_and_write")];

/// A gateway that stores virtual keys: a fixture and the settings that it adds.
pub(super) struct Gateway {
    pub(super) fixture: Fixture,
    settings: Vec<(String, String)>,
}

impl Gateway {
    /// Creates a gateway whose login has the policy that `km check --policy` prints and no other.
    pub(super) async fn new(settings: &[(&str, &str)]) -> Result<Self> {
        let fixture = Server::shared().await?.fixture().await?;
        let settings = STORE_VIRTUAL_KEYS.iter().chain(settings);
        let settings = settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let gateway = Self { settings: settings.collect(), fixture };
        let policy = gateway.km().args(["check", "--policy"]).run().await?.expect(0)?;
        let path = format!("sys/policies/acl/{}", gateway.fixture.policy);
        let body = json!({ "policy": policy.text()? });
        gateway.fixture.server().must("PUT", &path, body).await?;
        Ok(gateway)
    }

    /// Returns the program with the gateway's settings.
    pub(super) fn km(&self) -> Km {
        self.settings.iter().fold(self.fixture.km(), |km, (name, value)| km.env(name, value))
    }

    /// Returns `km key …`.
    pub(super) fn key(&self, arguments: &[&str]) -> Km {
        self.km().args(["key"]).args(arguments)
    }

    /// Runs `km key …` with this value on stdin. Fails unless it exits with 0.
    pub(super) async fn run(&self, arguments: &[&str], value: &str) -> Result<Output> {
        self.key(arguments).stdin(value).run().await?.expect(0)
    }

    /// Returns the fields at a path within the mount as a plain client reads them, or `None` if
    /// there is no live version.
    pub(super) async fn stored(&self, path: &str) -> Result<Option<Value>> {
        let (status, mut response) = self.fixture.get(path).await?;
        let fields = response.pointer_mut("/data/data").map(Value::take);
        Ok(fields.filter(|_| status == 200))
    }

    /// Returns the latest version at a path within the mount, deleted or not.
    pub(super) async fn version(&self, path: &str) -> Result<u64> {
        let (_, response) = self.fixture.get(path).await?;
        response.pointer("/data/metadata/version").and_then(Value::as_u64).context("no version")
    }
}

/// Creates a mount for a team below `under`.
pub(super) async fn team_mount(under: &str) -> Result<Fixture> {
    let spec = FixtureSpec { under: Some(under.to_owned()), ..FixtureSpec::default() };
    Server::shared().await?.fixture_with(spec).await
}
