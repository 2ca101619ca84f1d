//! The age of values: refreshed past the interval, gone at the deletion time, fresh again after an
//! outage or with a new credential.

use anyhow::Result;
use km_proxy_adapter::{ErrorKind, Source};
use secrecy::ExposeSecret as _;
use serde_json::json;
use testkit::{Fixture, Server, secret};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep};

use super::{fails, keys, keys_before, read};
use crate::product::{Files, until, variables};
use crate::relay::Relay;

/// The time within which a value is fresh again after the end of a fault.
const SOON: Duration = Duration::from_secs(3);

async fn fixture() -> Result<Fixture> {
    Server::shared().await?.fixture().await
}

/// A value that is rarely read: the first reader gets the new one.
#[tokio::test]
async fn value_past_its_interval_is_refreshed_before_it_is_served() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &[("HCP_VAULT_REFRESH_INTERVAL", "1s")]).await?;
    let [first, second] = [secret("first"), secret("second")];
    let path = &format!("{}/data/NAME", fixture.mount);
    for way in ["name", "handle", "document"] {
        fixture.put("NAME", json!({ "key": first })).await?;
        keys.invalidate("NAME")?;
        let handle = keys.handle("NAME")?;
        assert_eq!(read(&fixture, &keys, "NAME").await?.expose(), first);
        // It is refreshed ahead once, because it was read, and then no more.
        sleep(Duration::from_millis(2_500)).await;
        let written = fixture.server().must("POST", path, json!({ "data": { "key": second } }));
        written.await?;
        let (value, source) = match way {
            "name" => {
                let found = read(&fixture, &keys, "NAME").await?;
                (found.expose().to_owned(), found.source())
            }
            "handle" => {
                let found = handle.secret().await?;
                (found.expose().to_owned(), found.source())
            }
            _ => {
                let found = keys.entry("NAME")?.read().await?;
                (found.fields().text("key")?.expose_secret().to_owned(), found.source())
            }
        };
        assert_eq!((value.as_str(), source), (second.as_str(), Source::Vault), "{way}");
    }
    Ok(())
}

/// Stores a secret that Vault deletes after this time. Returns the latest end of that time.
async fn put_for(fixture: &Fixture, name: &str, value: &str, time: Duration) -> Result<Instant> {
    let path = format!("{}/metadata/{name}", fixture.mount);
    let after = json!({ "delete_version_after": format!("{}s", time.as_secs()) });
    fixture.server().must("POST", &path, after).await?;
    fixture.put(name, json!({ "key": value })).await?;
    Ok(Instant::now() + time)
}

#[tokio::test]
async fn secret_is_gone_at_its_deletion_time() -> Result<()> {
    let fixture = fixture().await?;
    let settings = [("HCP_VAULT_REFRESH_INTERVAL", "1h"), ("KM_MAX_STALE", "1h")];
    let keys = keys(&fixture, &settings).await?;
    let value = secret("value");
    let deleted = put_for(&fixture, "NAME", &value, Duration::from_secs(5)).await?;
    let (handle, entry) = (keys.handle("NAME")?, keys.entry("NAME")?);
    assert_eq!(read(&fixture, &keys, "NAME").await?.source(), Source::Vault);
    assert_eq!(read(&fixture, &keys, "NAME").await?.source(), Source::Cache);
    assert_eq!(handle.secret().await?.source(), Source::Cache);
    assert_eq!(entry.read().await?.source(), Source::Cache);
    until("the end of the secret", async || {
        let now = Instant::now();
        let served = [
            read(&fixture, &keys, "NAME").await.is_ok(),
            handle.secret().await.is_ok(),
            entry.read().await.is_ok(),
        ];
        assert!(now < deleted || served == [false; 3], "served after its deletion: {served:?}");
        Ok(served == [false; 3])
    })
    .await?;
    fails(&fixture, &keys, "NAME", ErrorKind::NotFound).await?;
    assert_eq!(handle.secret().await.map(drop).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(entry.read().await.map(drop).unwrap_err().kind(), ErrorKind::NotFound);
    Ok(())
}

/// The end does not require Vault: an expired value is neither served as stale nor taken from the
/// environment.
#[tokio::test]
async fn secret_is_gone_at_its_deletion_time_in_an_outage_too() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let fallback_env = variables(&[("NAME", "the environment's")]);
    let settings = [
        ("HCP_VAULT_REFRESH_INTERVAL", "1s"),
        ("KM_MAX_STALE", "1h"),
        ("KM_FALLBACK", "on_error"),
        ("KM_DEADLINE", "2s"),
    ];
    let keys = keys_before(&fixture, &settings, fallback_env).await?;
    let value = secret("value");
    let deleted = put_for(&fixture, "NAME", &value, Duration::from_secs(6)).await?;
    read(&fixture, &keys, "NAME").await?;
    server.seal().await?;
    until("the end of the secret", async || {
        let now = Instant::now();
        match read(&fixture, &keys, "NAME").await {
            Ok(found) => {
                assert_eq!(found.expose(), value);
                assert!(now < deleted, "served after its deletion");
                Ok(false)
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NotFound);
                Ok(true)
            }
        }
    })
    .await?;
    let entry = keys.entry("NAME")?;
    assert_eq!(entry.read().await.map(drop).unwrap_err().kind(), ErrorKind::NotFound);
    fails(&fixture, &keys, "NAME", ErrorKind::NotFound).await
}

/// The server's clock is unknown, so that such a value is read each time.
#[tokio::test]
async fn secret_with_a_deletion_time_is_not_cached_without_a_date() -> Result<()> {
    let fixture = fixture().await?;
    let relay = Relay::without_date(fixture.server().address()).await?;
    let keys = keys(&fixture, &[("HCP_VAULT_ADDR", relay.address())]).await?;
    let value = secret("value");
    put_for(&fixture, "LIMITED", &value, Duration::from_secs(600)).await?;
    fixture.put("PLAIN", json!({ "key": value })).await?;
    for (name, again) in [("LIMITED", Source::Vault), ("PLAIN", Source::Cache)] {
        assert_eq!(read(&fixture, &keys, name).await?.source(), Source::Vault, "{name}");
        assert_eq!(read(&fixture, &keys, name).await?.source(), again, "{name}");
    }
    Ok(())
}

/// After an outage of any length, values in use and values not in use are fresh soon.
#[tokio::test]
async fn values_are_fresh_soon_after_an_outage() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let settings = [("HCP_VAULT_REFRESH_INTERVAL", "1s"), ("KM_MAX_STALE", "1h")];
    let keys = keys(&fixture, &settings).await?;
    let [first, second] = [secret("first"), secret("second")];
    for name in ["USED", "IDLE"] {
        fixture.put(name, json!({ "key": first })).await?;
        read(&fixture, &keys, name).await?;
    }
    server.seal().await?;
    let sealed = Instant::now();
    until("a long outage", async || {
        assert_eq!(read(&fixture, &keys, "USED").await?.expose(), first);
        Ok(sealed.elapsed() > Duration::from_secs(9))
    })
    .await?;
    server.unseal().await?;
    for name in ["USED", "IDLE"] {
        fixture.put(name, json!({ "key": second })).await?;
    }
    let back = Instant::now();
    until("the new values", async || {
        let used = read(&fixture, &keys, "USED").await?;
        let idle = read(&fixture, &keys, "IDLE").await?;
        Ok([used, idle].iter().all(|found| found.expose() == second))
    })
    .await?;
    assert!(back.elapsed() <= SOON, "fresh after {:?}", back.elapsed());
    Ok(())
}

/// A refused login says nothing about the requested names: they are read as soon as there is a
/// login.
#[tokio::test]
async fn cold_name_is_read_as_soon_as_there_is_a_login() -> Result<()> {
    let fixture = fixture().await?;
    let files = Files::new()?;
    let file = files.write("secret-id", "used-up")?;
    let file = file.display().to_string();
    let settings =
        [("HCP_VAULT_APPROLE_SECRET_ID", ""), ("KM_APPROLE_SECRET_ID_FILE", file.as_str())];
    let keys = keys(&fixture, &settings).await?;
    let value = secret("value");
    fixture.put("NAME", json!({ "key": value })).await?;
    fails(&fixture, &keys, "NAME", ErrorKind::Auth).await?;
    files.write("secret-id", &fixture.secret_id)?;
    until("a login", async || {
        // The last failure of the name is as recent as possible.
        let before = keys.secret("NAME").await.map_err(|error| error.kind());
        assert!(matches!(before, Ok(_) | Err(ErrorKind::Auth)), "{before:?}");
        Ok(keys.login().await.is_ok())
    })
    .await?;
    assert_eq!(read(&fixture, &keys, "NAME").await?.expose(), value);
    Ok(())
}

/// One deadline covers a read, even if more loads are queued than may run.
#[tokio::test]
async fn deadline_covers_the_wait_for_other_reads() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let keys = keys(&fixture, &[("KM_DEADLINE", "2s")]).await?;
    keys.login().await?;
    server.freeze().await?;
    let (begin, mut readers) = (Instant::now(), JoinSet::new());
    // Three times as many as may be read at once.
    for number in 0..200 {
        let keys = keys.clone();
        readers.spawn(async move { keys.secret(&format!("NAME_{number}")).await.map(drop) });
    }
    while let Some(read) = readers.join_next().await {
        assert_eq!(read?.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    let elapsed = begin.elapsed();
    server.thaw().await?;
    assert!(elapsed < Duration::from_secs(4), "two deadlines have passed: {elapsed:?}");
    Ok(())
}

/// A value that an administrator or a mistake has removed is not served from the cache.
#[tokio::test]
async fn missing_mount_ends_serving() -> Result<()> {
    let fixture = fixture().await?;
    let settings = [("HCP_VAULT_REFRESH_INTERVAL", "1s"), ("KM_MAX_STALE", "1h")];
    let keys = keys(&fixture, &settings).await?;
    fixture.put("NAME", json!({ "key": secret("value") })).await?;
    read(&fixture, &keys, "NAME").await?;
    let mount = format!("sys/mounts/{}", fixture.mount);
    fixture.server().must("DELETE", &mount, None).await?;
    until("the end of serving", async || Ok(read(&fixture, &keys, "NAME").await.is_err())).await?;
    fails(&fixture, &keys, "NAME", ErrorKind::NotFound).await
}
