//! A namespace that is deleted, locked or sealed while a secret of it is cached.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use km_proxy_adapter::{ErrorKind, KeyManager, Source, VaultValidator};
use km_settings::{Settings, Sources};
use serde_json::{Value, json};
use testkit::{Engine, Flavor, Server, secret, unique};

use super::{join, namespace_below, token_with};
use crate::product::{until, variables};

const MOUNT: &str = "kv";
const SEAL: &str = "seal \"shamir\" {\n  shares = 1\n  threshold = 1\n}";

/// A namespace with a secret, and a key manager that has cached it.
struct Cached {
    parent: String,
    name: String,
    unseal_key: Option<String>,
    keys: KeyManager,
    value: String,
}

impl Cached {
    /// Creates it with a token that was issued in the namespace, or else in its parent.
    async fn new(server: &Server, is_own_token: bool) -> Result<Self> {
        let (parent, name) = (namespace_below(server, "").await?, format!("ns-{}", unique()));
        let path = join(&parent, &format!("sys/namespaces/{name}"));
        let answer = server.must("POST", &path, json!({ "seal": SEAL })).await?;
        let unseal_key = answer.pointer("/data/key_shares/0").and_then(Value::as_str);
        let unseal_key = unseal_key.map(str::to_owned);
        let body = json!({ "key": unseal_key });
        server.must("PUT", &format!("{path}/unseal"), body).await?;
        let namespace = format!("{parent}/{name}");
        server.mount_in(&namespace, MOUNT, Engine::V2).await?;
        let value = secret("value");
        let secrets = format!("{namespace}/{MOUNT}/data/NAME");
        server.must("POST", &secrets, json!({ "data": { "key": value } })).await?;
        let issuer = if is_own_token { &namespace } else { &parent };
        let rules = |path: &str| format!(r#"path "{path}/*" {{ capabilities = ["read"] }}"#);
        let policy = rules(&if is_own_token { MOUNT.to_owned() } else { join(&name, MOUNT) });
        let token = token_with(server, issuer, &policy).await?;
        let env = variables(&[
            ("HCP_VAULT_ADDR", server.address()),
            ("HCP_VAULT_TOKEN", &token),
            ("HCP_VAULT_LOGIN_NAMESPACE", issuer),
            ("HCP_VAULT_SECRET_NAMESPACE", &namespace),
            ("HCP_VAULT_MOUNT_NAME", MOUNT),
            ("HCP_VAULT_REFRESH_INTERVAL", "1"),
            ("KM_FALLBACK", "on_missing"),
        ]);
        let environment: BTreeMap<_, _> = variables(&[("NAME", &secret("environment"))]);
        let sources = Sources { env: &env, yaml: None, validator: &VaultValidator };
        let keys = KeyManager::connect_with(Settings::from_sources(&sources)?, environment).await?;
        assert_eq!(keys.secret("NAME").await?.source(), Source::Vault);
        Ok(Self { parent, name, unseal_key, keys, value })
    }

    /// Changes the state of the namespace.
    async fn administer(&self, server: &Server, method: &str, path: &str) -> Result<()> {
        let path = join(&self.parent, &format!("sys/namespaces/{path}"));
        let key = self.unseal_key.as_deref().unwrap_or_default();
        server.must(method, &path, json!({ "key": key })).await.map(drop)
    }

    /// Waits until the value is served no longer, and returns the kind of the error.
    async fn end(&self) -> Result<ErrorKind> {
        until("the end of serving", async || Ok(self.keys.secret("NAME").await.is_err())).await?;
        let error = self.keys.secret("NAME").await.err().context("the value is served again")?;
        assert!(error.hint().is_some(), "{}", error.message());
        Ok(error.kind())
    }

    /// Waits until the value is served from Vault.
    async fn recovers(&self) -> Result<()> {
        until("the value from the server", async || {
            let read = self.keys.secret("NAME").await;
            Ok(read.is_ok_and(|read| read.source() != Source::Stale && read.expose() == self.value))
        })
        .await
    }
}

#[tokio::test]
async fn deleted_namespace_ends_serving() -> Result<()> {
    let server = Server::shared().await?;
    if server.skips_unless(Flavor::OpenBao) {
        return Ok(());
    }
    for is_own_token in [false, true] {
        let cached = Cached::new(server, is_own_token).await?;
        cached.administer(server, "DELETE", &cached.name).await?;
        assert_eq!(cached.end().await?, ErrorKind::NotFound, "own token: {is_own_token}");
    }
    Ok(())
}

#[tokio::test]
async fn locked_namespace_ends_serving_until_it_is_unlocked() -> Result<()> {
    let server = Server::shared().await?;
    if server.skips_unless(Flavor::OpenBao) {
        return Ok(());
    }
    for is_own_token in [false, true] {
        let cached = Cached::new(server, is_own_token).await?;
        let path = |verb: &str| format!("api-lock/{verb}/{}", cached.name);
        cached.administer(server, "PUT", &path("lock")).await?;
        assert_eq!(cached.end().await?, ErrorKind::Unavailable, "own token: {is_own_token}");
        let error = cached.keys.secret("NAME").await.err().context("a locked secret was served")?;
        assert!(error.message().contains("the namespace is locked"), "{}", error.message());
        cached.administer(server, "PUT", &path("unlock")).await?;
        cached.recovers().await?;
    }
    Ok(())
}

#[tokio::test]
async fn sealed_namespace_is_served_stale_until_it_is_unsealed() -> Result<()> {
    let server = Server::shared().await?;
    if server.skips_unless(Flavor::OpenBao) {
        return Ok(());
    }
    for is_own_token in [false, true] {
        let cached = Cached::new(server, is_own_token).await?;
        cached.administer(server, "PUT", &format!("{}/seal", cached.name)).await?;
        until("a stale value", async || {
            let value = cached.keys.secret("NAME").await?;
            assert_eq!(value.expose(), cached.value);
            Ok(value.source() == Source::Stale)
        })
        .await?;
        // A name that is not cached cannot be answered, and the environment does not answer it.
        let error =
            cached.keys.secret("OTHER").await.err().context("a sealed secret was served")?;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{}", error.message());
        assert!(error.message().contains("the namespace is sealed"), "{}", error.message());
        cached.administer(server, "PUT", &format!("{}/unseal", cached.name)).await?;
        cached.recovers().await?;
    }
    Ok(())
}

/// A sealed namespace must not delay the requests of other namespaces, as a sealed server does.
#[tokio::test]
async fn sealed_namespace_of_a_team_does_not_delay_other_reads() -> Result<()> {
    let server = Server::shared().await?;
    if server.skips_unless(Flavor::OpenBao) {
        return Ok(());
    }
    let cached = Cached::new(server, false).await?;
    cached.administer(server, "PUT", &format!("{}/seal", cached.name)).await?;
    let fixture = super::fixture(server, "", "").await?;
    fixture.put("NAME", json!({ "key": secret("value") })).await?;
    let env = variables(&[
        ("HCP_VAULT_ADDR", server.address()),
        ("HCP_VAULT_TOKEN", server.root_token()),
        ("HCP_VAULT_MOUNT_NAME", &fixture.mount),
        ("HCP_VAULT_REFRESH_INTERVAL", "0"),
        ("KM_ACCESS_MODE", "read_and_write"),
        ("KM_STORE_VIRTUAL_KEYS", "true"),
    ]);
    let sources = Sources { env: &env, yaml: None, validator: &VaultValidator };
    let keys = KeyManager::connect(Settings::from_sources(&sources)?).await?;
    let namespace = format!("{}/{}", cached.parent, cached.name);
    let team = json!({ "namespace": namespace, "mount": MOUNT }).to_string();
    let team = km_settings::TeamSettings::from_json(&team, &VaultValidator)?;
    let team = keys.virtual_keys(Some(&team))?;
    for _ in 0..20 {
        let started = tokio::time::Instant::now();
        let (listed, read) = tokio::join!(team.list(), keys.secret("NAME"));
        assert_eq!(listed.err().map(|error| error.kind()), Some(ErrorKind::Unavailable));
        assert_eq!(read?.source(), Source::Vault);
        assert!(started.elapsed().as_secs() < 5, "waited for the sealed namespace");
    }
    Ok(())
}
