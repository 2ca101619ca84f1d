//! The lifecycle of a gateway's keys: preloaded at the start, refreshed while in use, reported when
//! they change, and gone when Vault says so.

use std::collections::BTreeMap;

use anyhow::Result;
use km_proxy_adapter::{ErrorKind, KeyManager, Source, VaultValidator};
use km_settings::{Settings, Sources, Yaml};
use serde_json::json;
use testkit::{Fixture, Server, secret};
use tokio::time::{Duration, Instant, timeout};

use super::{fails, keys, read, shows_nothing};
use crate::login::accessors;
use crate::product::{environment, until};

/// Longer than any wait in these tests.
const PATIENCE: Duration = Duration::from_secs(30);

async fn fixture() -> Result<Fixture> {
    Server::shared().await?.fixture().await
}

#[tokio::test]
async fn referenced_names_are_preloaded() -> Result<()> {
    let fixture = fixture().await?;
    let value = secret("value");
    for name in ["FIRST", "SECOND", "UNNAMED"] {
        fixture.put(name, json!({ "key": value })).await?;
    }
    let yaml = "model_list:\n  - model_name: one\n    litellm_params:\n      api_key: \
                os.environ/FIRST\n      other: os.environ/MISSING\n  - model_name: two\n    \
                litellm_params: {api_key: os.environ/SECOND}\n";
    let env = environment(&fixture);
    let sources = Sources {
        env: &env,
        yaml: Some(Yaml::new("config.yaml", yaml)),
        validator: &VaultValidator,
    };
    let settings = Settings::from_sources(&sources)?;
    let keys = KeyManager::connect_with(settings, BTreeMap::<String, String>::new()).await?;
    let mut preloaded = BTreeMap::new();
    keys.preload(|read| {
        assert_eq!((read.completed, read.total), (preloaded.len() + 1, 3));
        preloaded
            .insert(read.name.to_owned(), read.error.as_ref().map(km_proxy_adapter::Error::kind));
    })
    .await;
    let expected = [("FIRST", None), ("MISSING", Some(ErrorKind::NotFound)), ("SECOND", None)];
    assert_eq!(preloaded, expected.map(|(name, kind)| (name.to_owned(), kind)).into());
    for (name, source) in
        [("FIRST", Source::Cache), ("SECOND", Source::Cache), ("UNNAMED", Source::Vault)]
    {
        let found = read(&fixture, &keys, name).await?;
        assert_eq!((found.expose(), found.source()), (value.as_str(), source), "{name}");
    }
    Ok(())
}

/// For all clones, and permanently.
#[tokio::test]
async fn shutdown_revokes_the_token() -> Result<()> {
    let fixture = fixture().await?;
    let value = secret("value");
    fixture.put("NAME", json!({ "key": value })).await?;
    let keys = keys(&fixture, &[]).await?;
    read(&fixture, &keys, "NAME").await?;
    assert_eq!(accessors(&fixture).await?.len(), 1);
    keys.clone().shutdown().await;
    assert_eq!(accessors(&fixture).await?.len(), 0);
    assert_eq!(read(&fixture, &keys, "NAME").await?.expose(), value, "memory stays");
    fails(&fixture, &keys, "OTHER", ErrorKind::Unavailable).await?;
    // A second shutdown has no effect.
    keys.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn hosted_keys_are_preloaded_and_others_are_not_requested() -> Result<()> {
    let fixture = fixture().await?;
    for name in ["HOSTED", "OTHER"] {
        fixture.put(name, json!({ "key": secret("value") })).await?;
    }
    let keys = keys(&fixture, &[("KM_HOSTED_KEYS", "HOSTED")]).await?;
    let mut preloaded = Vec::new();
    keys.preload(|read| preloaded.push(read.name.to_owned())).await;
    assert_eq!(preloaded, ["HOSTED"]);
    assert_eq!(read(&fixture, &keys, "HOSTED").await?.source(), Source::Cache);
    fails(&fixture, &keys, "OTHER", ErrorKind::NotFound).await
}

/// A watcher waits without reads. When it is notified, the new value is cached.
#[tokio::test]
async fn rotation_notifies_a_handle() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &[("HCP_VAULT_REFRESH_INTERVAL", "500ms")]).await?;
    fixture.put("NAME", json!({ "key": secret("first") })).await?;
    let mut handle = keys.handle("os.environ/NAME")?;
    fixture.watch.debug(&handle);
    assert_eq!(handle.secret().await?.version(), Some(1));
    assert_eq!(timeout(PATIENCE, handle.changed()).await??.version(), Some(1));
    for version in 2..=3 {
        let rotated = secret("rotated");
        fixture.put("NAME", json!({ "key": rotated })).await?;
        let value = timeout(PATIENCE, handle.changed()).await??;
        fixture.watch.debug(&value);
        assert_eq!((value.expose(), value.version()), (rotated.as_str(), Some(version)));
        assert_eq!(value.source(), Source::Cache);
    }
    Ok(())
}

/// A secret that is deleted, or whose path is denied, is gone at the next refresh. A handle is
/// notified without a reader.
#[tokio::test]
async fn deletion_and_denial_notify_a_handle_within_the_interval() -> Result<()> {
    for what in ["delete", "deny"] {
        let fixture = fixture().await?;
        let interval = Duration::from_secs(2);
        let settings = [("HCP_VAULT_REFRESH_INTERVAL", "2s"), ("KM_MAX_STALE", "1h")];
        let keys = keys(&fixture, &settings).await?;
        fixture.put("NAME", json!({ "key": secret("value") })).await?;
        let mut handle = keys.handle("NAME")?;
        timeout(PATIENCE, handle.changed()).await??;
        let (server, mount) = (fixture.server(), &fixture.mount);
        let ended = Instant::now();
        if what == "delete" {
            server.must("DELETE", &format!("{mount}/data/NAME"), None).await?;
        } else {
            let policy = format!(r#"path "{mount}/*" {{ capabilities = ["deny"] }}"#);
            let location = format!("sys/policies/acl/{}", fixture.policy);
            server.must("PUT", &location, json!({ "policy": policy })).await?;
        }
        let error = timeout(PATIENCE, handle.changed()).await?.map(drop).unwrap_err();
        // The refresh is within the interval; the requests and a loaded machine add to it.
        assert!(
            ended.elapsed() < interval + Duration::from_secs(8),
            "{what}: {:?}",
            ended.elapsed()
        );
        let expected = if what == "delete" { ErrorKind::NotFound } else { ErrorKind::Denied };
        shows_nothing(&fixture, &error);
        assert_eq!(error.kind(), expected);
        fails(&fixture, &keys, "NAME", expected).await?;
        assert_eq!(handle.secret().await.map(drop).unwrap_err().kind(), expected);
    }
    Ok(())
}

/// A deletion by this process takes effect at once.
#[tokio::test]
async fn deletion_by_this_process_notifies_a_handle_at_once() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &[("KM_ACCESS_MODE", "read_and_write")]).await?;
    fixture.put("NAME", json!({ "key": secret("value") })).await?;
    let handle = keys.handle("NAME")?;
    assert_eq!(handle.secret().await?.source(), Source::Vault);
    assert_eq!(handle.secret().await?.source(), Source::Cache);
    keys.delete("NAME").await?;
    assert_eq!(handle.secret().await.map(drop).unwrap_err().kind(), ErrorKind::NotFound);
    Ok(())
}

/// While the server is sealed, cached values are served as stale. After it is unsealed, they are
/// fresh again.
#[tokio::test]
async fn sealed_server_is_survived() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let value = secret("value");
    fixture.put("NAME", json!({ "key": value })).await?;
    let settings = [("HCP_VAULT_REFRESH_INTERVAL", "1s"), ("KM_MAX_STALE", "1h")];
    let keys = keys(&fixture, &settings).await?;
    let handle = keys.handle("NAME")?;
    handle.secret().await?;
    server.seal().await?;
    until("a stale value", async || {
        let found = handle.secret().await?;
        assert_eq!(found.expose(), value);
        Ok(found.source() == Source::Stale)
    })
    .await?;
    fails(&fixture, &keys, "OTHER", ErrorKind::Unavailable).await?;
    server.unseal().await?;
    until("a fresh value", async || Ok(handle.secret().await?.source() == Source::Cache)).await
}
