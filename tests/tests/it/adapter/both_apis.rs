//! A secret by name and by path: one read, one cache, and the rules of each API.

use anyhow::Result;
use km_proxy_adapter::{Document, ErrorKind, Fields, KeyManager, Source, WriteOptions};
use secrecy::ExposeSecret as _;
use serde_json::json;
use testkit::{Fixture, Server, secret};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{fails, keys, keys_before, read};
use crate::product::{until, variables};
use crate::relay::Relay;

async fn fixture() -> Result<Fixture> {
    Server::shared().await?.fixture().await
}

async fn document(keys: &KeyManager, path: &str) -> Result<Document> {
    Ok(keys.entry(path)?.read().await?)
}

fn text<'d>(document: &'d Document, field: &str) -> Result<&'d str> {
    Ok(document.fields().text(field)?.expose_secret())
}

#[tokio::test]
async fn secret_read_through_one_api_is_cached_for_the_other() -> Result<()> {
    let fixture = fixture().await?;
    let (value, user) = (secret("value"), secret("user"));
    let relay = Relay::to(fixture.server().address(), "").await?;
    let prefix = ("HCP_VAULT_PATH_PREFIX", "team/litellm");
    let keys = keys(&fixture, &[prefix, ("HCP_VAULT_ADDR", relay.address())]).await?;
    for name in ["FIRST", "SECOND"] {
        let fields = json!({ "key": value, "user": user, "ports": [1, 2] });
        fixture.put(&format!("team/litellm/{name}"), fields).await?;
    }
    keys.login().await?;
    let before = relay.requests();

    // By name first, then by path.
    assert_eq!(read(&fixture, &keys, "FIRST").await?.source(), Source::Vault);
    let first = document(&keys, "team/litellm/FIRST").await?;
    assert_eq!(first.source(), Source::Cache);
    // By path first, then by name.
    let second = document(&keys, "team/litellm/SECOND").await?;
    assert_eq!(second.source(), Source::Vault);
    let found = read(&fixture, &keys, "os.environ/SECOND").await?;
    assert_eq!((found.expose(), found.source()), (value.as_str(), Source::Cache));
    assert_eq!(relay.requests() - before, 2);

    for document in [&first, &second] {
        fixture.watch.debug(document);
        assert_eq!((text(document, "key")?, text(document, "user")?), (&*value, &*user));
        let names: Vec<_> = document.fields().iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["key", "ports", "user"]);
        assert_eq!(document.metadata().version, 1);
    }
    Ok(())
}

#[tokio::test]
async fn thousand_readers_of_both_apis_send_one_request() -> Result<()> {
    let fixture = fixture().await?;
    let value = secret("value");
    fixture.put("NAME", json!({ "key": value })).await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let keys = keys(&fixture, &[("HCP_VAULT_ADDR", relay.address())]).await?;
    keys.login().await?;
    let before = relay.requests();
    let mut readers = JoinSet::new();
    for number in 0..1_000 {
        let keys = keys.clone();
        readers.spawn(async move {
            if number % 2 == 0 {
                anyhow::Ok(keys.secret("NAME").await?.expose().to_owned())
            } else {
                Ok(text(&document(&keys, "NAME").await?, "key")?.to_owned())
            }
        });
    }
    while let Some(read) = readers.join_next().await {
        assert_eq!(read??, value);
    }
    assert_eq!(relay.requests() - before, 1);
    Ok(())
}

/// The secret is cached for its path. That it has no value for its name is cached for five seconds.
#[tokio::test]
async fn secret_without_the_field_is_read_again() -> Result<()> {
    let fixture = fixture().await?;
    let (user, value) = (secret("user"), secret("value"));
    let keys = keys(&fixture, &[]).await?;
    for fields in [json!({ "user": user }), json!({ "user": user, "key": 42 })] {
        fixture.put("NAME", fields).await?;
        keys.invalidate("NAME")?;
        assert_eq!(text(&document(&keys, "NAME").await?, "user")?, user);
        fails(&fixture, &keys, "NAME", ErrorKind::StoredValue).await?;
        assert_eq!(document(&keys, "NAME").await?.source(), Source::Cache, "it is remembered");
    }
    let mended = Instant::now();
    fixture.put("NAME", json!({ "user": user, "key": value })).await?;
    let handle = keys.handle("NAME")?;
    until("the mended value", async || Ok(handle.secret().await.is_ok())).await?;
    assert!(mended.elapsed().as_secs() < 20, "not with the interval, which is a day");
    assert_eq!(read(&fixture, &keys, "NAME").await?.expose(), value);
    assert_eq!(text(&document(&keys, "NAME").await?, "key")?, value);
    Ok(())
}

/// A secret that is cached for its path does not bypass the rules for names.
#[tokio::test]
async fn cached_path_does_not_bypass_the_rules_for_names() -> Result<()> {
    let fixture = fixture().await?;
    let value = secret("value");
    let fallback_env = variables(&[("OTHER", "the environment's")]);
    let keys = keys_before(&fixture, &[("KM_HOSTED_KEYS", "HOSTED")], fallback_env).await?;
    for path in ["OTHER", "MISSING", "oidc/google", "os.environ/HOSTED"] {
        fixture.put(path, json!({ "key": value })).await?;
        let error = keys.entry(path)?.read().await.expect_err(path);
        assert_eq!(error.kind(), ErrorKind::Denied, "{path}");
    }
    for path in ["HOSTED", "litellm/alias"] {
        fixture.put(path, json!({ "key": value })).await?;
        assert_eq!(text(&document(&keys, path).await?, "key")?, value, "{path}");
    }
    assert_eq!(read(&fixture, &keys, "HOSTED").await?.source(), Source::Cache);
    fails(&fixture, &keys, "litellm/alias", ErrorKind::Denied).await?;
    let other = read(&fixture, &keys, "OTHER").await?;
    assert_eq!((other.expose(), other.source()), ("the environment's", Source::Environment));
    fails(&fixture, &keys, "MISSING", ErrorKind::NotFound).await?;
    fails(&fixture, &keys, "oidc/google", ErrorKind::Usage).await?;
    // The name in the reference is not hosted.
    fails(&fixture, &keys, "os.environ/os.environ/HOSTED", ErrorKind::NotFound).await?;
    fails(&fixture, &keys, "", ErrorKind::Usage).await
}

/// The secret at the prefix itself has a path but no name.
#[tokio::test]
async fn secret_at_the_prefix_has_no_name() -> Result<()> {
    let fixture = fixture().await?;
    let value = secret("value");
    let keys = keys(&fixture, &[("HCP_VAULT_PATH_PREFIX", "litellm")]).await?;
    fixture.put("litellm", json!({ "key": value })).await?;
    fixture.put("litellm2", json!({ "key": value })).await?;
    assert_eq!(text(&document(&keys, "litellm").await?, "key")?, value);
    fails(&fixture, &keys, "", ErrorKind::Usage).await?;
    for outside in ["litellm2", "", "other/litellm"] {
        assert_eq!(
            keys.entry(outside).map_err(|error| error.kind()).err(),
            Some(ErrorKind::Denied)
        );
    }
    Ok(())
}

/// A write through one API is visible through the other at once.
#[tokio::test]
async fn write_through_one_api_is_visible_through_the_other() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &[("KM_ACCESS_MODE", "read_and_write")]).await?;
    let entry = keys.entry("folder/NAME")?;
    for round in 1..=2 {
        let [by_name, by_path] = [secret("name"), secret("path")];
        keys.write("folder/NAME", by_name.clone().into(), &WriteOptions::default()).await?;
        assert_eq!(text(&entry.read().await?, "key")?, by_name, "{round}");
        let fields = Fields::new().with("key", by_path.clone());
        entry.write(&fields, None).await?;
        assert_eq!(read(&fixture, &keys, "folder/NAME").await?.expose(), by_path, "{round}");
    }
    entry.delete().await?;
    fails(&fixture, &keys, "folder/NAME", ErrorKind::NotFound).await
}
