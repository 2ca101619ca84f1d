//! A Vault with secrets, and the programs that read them.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::json;
use tempfile::TempDir;
use testkit::{Fixture, FixtureSpec, Flavor, Server, server_program};

/// The number of secrets. Each is read in turn.
pub(crate) const SECRETS: usize = 100;

/// What all tools have in common.
pub(crate) struct Setup {
    /// The mount of the secrets, and an AppRole role that may read them.
    pub(crate) fixture: Fixture,
    /// A token of that role's policy.
    pub(crate) token: String,
    pub(crate) server: Server,
    /// The directory of configurations and logs.
    pub(crate) files: TempDir,
    pub(crate) vault: PathBuf,
    pub(crate) bao: PathBuf,
    pub(crate) km: PathBuf,
    /// The Python that has LiteLLM.
    pub(crate) python: PathBuf,
}

impl Setup {
    pub(crate) async fn new() -> Result<Self> {
        let server = Server::dev_alone().await?;
        let spec = FixtureSpec { policy: Some(policy), ..FixtureSpec::default() };
        let fixture = server.fixture_with(spec).await?;
        for index in 0..SECRETS {
            fixture.put(&name(index), json!({ "key": value(index) })).await?;
        }
        Ok(Self {
            token: fixture.token(json!({})).await?,
            fixture,
            server,
            files: tempfile::tempdir()?,
            vault: server_program(Flavor::Vault).await?,
            bao: server_program(Flavor::OpenBao).await?,
            km: variable("KM_BENCH_BIN")?,
            python: variable("KM_TEST_LITELLM")?,
        })
    }
}

/// Returns the rights to read the secrets, and to subscribe to events about them: Vault's documentation
/// demands the latter for a proxy that caches them.
fn policy(mount: &str) -> String {
    format!(
        r#"path "{mount}/*" {{
             capabilities = ["read", "list", "subscribe"]
             subscribe_event_types = ["kv*"]
           }}
           path "sys/events/subscribe/kv*" {{ capabilities = ["read"] }}"#
    )
}

/// Returns the name of a secret.
pub(crate) fn name(index: usize) -> String {
    format!("PROVIDER_{index:03}_API_KEY")
}

/// Returns the value of a secret, which has the length of a provider key: 51 bytes.
pub(crate) fn value(index: usize) -> String {
    format!("sk-proj-{index:043}")
}

#[expect(clippy::disallowed_methods, reason = "the settings of a tool")]
fn variable(name: &str) -> Result<PathBuf> {
    let value = std::env::var_os(name);
    Ok(value.with_context(|| format!("{name} is not set: run `cargo xtask bench sidecar`"))?.into())
}
