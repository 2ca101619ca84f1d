//! Refreshes that a caller requests.

use anyhow::{Context as _, Result};
use km_proxy_adapter::{ErrorKind, KeyManager, Refresh, RefreshOutcome, Source};
use serde_json::json;
use testkit::{Fixture, Server, secret};
use tokio::time::{Duration, Instant, sleep};

use super::{keys, keys_before, read, shows_nothing};
use crate::product::variables;
use crate::relay::Relay;

/// Longer than the time within which a repeat has the previous outcome.
const NEXT: Duration = Duration::from_millis(1_050);

/// The name, both versions and the kind of the error.
type Row = (String, Option<u64>, Option<u64>, Option<ErrorKind>);

fn row(name: &str, before: Option<u64>, after: Option<u64>, error: Option<ErrorKind>) -> Row {
    (name.to_owned(), before, after, error)
}

/// Summarizes outcomes, and searches them for secrets.
fn rows(fixture: &Fixture, outcomes: Vec<RefreshOutcome>) -> Vec<Row> {
    let summarize = |outcome: RefreshOutcome| {
        fixture.watch.debug(&outcome);
        outcome.error.iter().for_each(|error| shows_nothing(fixture, error));
        let kind = outcome.error.map(|error| error.kind());
        (outcome.name, outcome.version_before, outcome.version_after, kind)
    };
    outcomes.into_iter().map(summarize).collect()
}

async fn refresh(fixture: &Fixture, keys: &KeyManager, names: &[&str]) -> Vec<Row> {
    rows(fixture, keys.refresh(names).await)
}

async fn fixture() -> Result<Fixture> {
    Server::shared().await?.fixture().await
}

#[tokio::test]
async fn rotated_secret_is_read_again_and_both_versions_are_reported() -> Result<()> {
    let fixture = fixture().await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let keys = keys(&fixture, &[("HCP_VAULT_ADDR", relay.address())]).await?;
    let [first, second] = [secret("first"), secret("second")];
    for name in ["A", "B"] {
        fixture.put(name, json!({ "key": first })).await?;
        read(&fixture, &keys, name).await?;
    }
    // The first missing name causes a check of the mount's version.
    super::fails(&fixture, &keys, "MISSING", ErrorKind::NotFound).await?;
    let mut handle = keys.handle("A")?;
    fixture.put("A", json!({ "key": second })).await?;
    let before = relay.requests();
    let refreshed = refresh(&fixture, &keys, &["B", "os.environ/A", "A", "C"]).await;
    let expected = [
        row("B", Some(1), Some(1), None),
        row("A", Some(1), Some(2), None),
        row("A", Some(1), Some(2), None),
        row("C", None, None, Some(ErrorKind::NotFound)),
    ];
    assert_eq!(refreshed, expected);
    assert_eq!(relay.requests() - before, 3, "one per name");
    let value = handle.changed().await?;
    assert_eq!((value.expose(), value.source()), (second.as_str(), Source::Cache));

    // A repeat within a second has the same outcome, by a handle and by all names too.
    let again = handle.refresh(Refresh::Always).await;
    assert_eq!(rows(&fixture, vec![again]), [row("A", Some(1), Some(2), None)]);
    let all = rows(&fixture, keys.refresh_all().await);
    assert_eq!(all, [row("A", Some(1), Some(2), None), row("B", Some(1), Some(1), None)]);
    assert_eq!(relay.requests() - before, 3);
    sleep(NEXT).await;
    fixture.put("C", json!({ "key": first })).await?;
    assert_eq!(refresh(&fixture, &keys, &["C"]).await, [row("C", None, Some(1), None)]);
    let deleted = format!("{}/data/A", fixture.mount);
    fixture.server().must("DELETE", &deleted, None).await?;
    let gone = handle.refresh(Refresh::Always).await;
    let expected = row("A", Some(2), None, Some(ErrorKind::NotFound));
    assert_eq!(rows(&fixture, vec![gone]), [expected]);
    super::fails(&fixture, &keys, "A", ErrorKind::NotFound).await
}

/// A value whose provider rejected version 1.
#[tokio::test]
async fn version_that_is_no_longer_cached_is_not_refreshed() -> Result<()> {
    let fixture = fixture().await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let keys = keys(&fixture, &[("HCP_VAULT_ADDR", relay.address())]).await?;
    let [first, second] = [secret("first"), secret("second")];
    fixture.put("NAME", json!({ "key": first })).await?;
    read(&fixture, &keys, "NAME").await?;
    fixture.put("NAME", json!({ "key": second })).await?;
    let before = relay.requests();
    for (version, value, source, requests) in [
        (7, &first, Source::Cache, 0),
        (1, &second, Source::Vault, 1),
        (1, &second, Source::Cache, 1),
    ] {
        let read = keys.refreshed_secret("NAME", Refresh::OfVersion(version)).await?;
        assert!(read.refresh_error.is_none());
        assert_eq!((read.secret.expose(), read.secret.source()), (value.as_str(), source));
        assert_eq!(relay.requests() - before, requests, "{version}");
    }
    // Without a cached version it is an ordinary read.
    keys.invalidate("NAME")?;
    let read = keys.refreshed_secret("os.environ/NAME", Refresh::OfVersion(1)).await?;
    assert_eq!((read.secret.version(), read.secret.source()), (Some(2), Source::Vault));
    Ok(())
}

#[tokio::test]
async fn name_is_checked_as_in_a_read() -> Result<()> {
    let fixture = fixture().await?;
    let value = secret("value");
    let fallback_env = variables(&[("PLAIN", "p"), ("MISSING", "m"), ("KM_TEAM", "k")]);
    let relay = Relay::to(fixture.server().address(), "").await?;
    let settings =
        [("HCP_VAULT_ADDR", relay.address()), ("KM_HOSTED_KEYS", "HOSTED,MISSING,NUMBER,KM_X")];
    let keys = keys_before(&fixture, &settings, fallback_env.clone()).await?;
    fixture.put("HOSTED", json!({ "key": value })).await?;
    fixture.put("NUMBER", json!({ "key": 7 })).await?;
    fixture.put("PLAIN", json!({ "key": value })).await?;
    let none = |name: &str, error| row(name, None, None, error);
    let names = ["HOSTED", "PLAIN", "MISSING", "ABSENT", "KM_TEAM", "KM_X", "NUMBER"];
    let expected = [
        row("HOSTED", None, Some(1), None),
        // These two come from the environment.
        none("PLAIN", None),
        none("MISSING", None),
        none("ABSENT", Some(ErrorKind::NotFound)),
        none("KM_TEAM", Some(ErrorKind::NotFound)),
        none("KM_X", Some(ErrorKind::NotFound)),
        row("NUMBER", None, Some(1), Some(ErrorKind::StoredValue)),
    ];
    assert_eq!(refresh(&fixture, &keys, &names).await, expected);
    let requests = relay.requests();
    let denied = ["litellm/alias", "os.environ/litellm/alias", "oidc/x", "a//b", "../x", ""];
    let kinds = refresh(&fixture, &keys, &denied).await;
    let kinds: Vec<_> = kinds.into_iter().filter_map(|(_, _, _, kind)| kind).collect();
    let [denied, usage] = [ErrorKind::Denied, ErrorKind::Usage];
    assert_eq!(kinds, [denied, denied, usage, usage, usage, usage]);
    for name in ["PLAIN", "MISSING", "HOSTED", "NUMBER", "litellm/alias", "ABSENT"] {
        let refreshed = keys.refreshed_secret(name, Refresh::Always).await;
        let read = read(&fixture, &keys, name).await;
        let kind = |error: km_proxy_adapter::Error| error.kind();
        let refreshed = refreshed.map(|read| read.secret.expose().to_owned()).map_err(kind);
        assert_eq!(refreshed, read.map(|value| value.expose().to_owned()).map_err(kind), "{name}");
    }
    let handle = keys.handle("PLAIN")?;
    let outcome = handle.refresh(Refresh::Always).await;
    assert_eq!(rows(&fixture, vec![outcome]), [none("PLAIN", None)]);
    // With `write_only` nothing is read from Vault.
    let settings = [("HCP_VAULT_ADDR", relay.address()), ("KM_ACCESS_MODE", "write_only")];
    let writer = keys_before(&fixture, &settings, fallback_env).await?;
    let expected = [none("HOSTED", Some(ErrorKind::NotFound)), none("PLAIN", None)];
    assert_eq!(refresh(&fixture, &writer, &["HOSTED", "PLAIN"]).await, expected);
    assert_eq!(relay.requests(), requests, "neither these names nor a repeat are sent");
    Ok(())
}

/// Virtual keys in memory are not provider keys.
#[tokio::test]
async fn all_cached_provider_keys_are_refreshed_in_order() -> Result<()> {
    let fixture = fixture().await?;
    let keys = keys(&fixture, &[("HCP_VAULT_PATH_PREFIX", "team")]).await?;
    assert_eq!(rows(&fixture, keys.refresh_all().await), []);
    let value = secret("value");
    for name in ["B", "A", "folder/C", "litellm/alias"] {
        let path = format!("team/{name}");
        fixture.put(&path, json!({ "key": value })).await?;
        keys.entry(&path)?.read().await?;
        fixture.put(&path, json!({ "key": value })).await?;
    }
    super::fails(&fixture, &keys, "ABSENT", ErrorKind::NotFound).await?;
    let expected = ["A", "B", "folder/C"].map(|name| row(name, Some(1), Some(2), None));
    assert_eq!(rows(&fixture, keys.refresh_all().await), expected);
    Ok(())
}

#[tokio::test]
async fn thousand_names_are_refreshed_with_one_request_each() -> Result<()> {
    const NAMES: usize = 1_000;
    let fixture = fixture().await?;
    fixture.put("NAME_0", json!({ "key": secret("value") })).await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let settings = [("HCP_VAULT_ADDR", relay.address()), ("KM_DEADLINE", "30s")];
    let keys = keys(&fixture, &settings).await?;
    // The first missing name causes a check of the mount's version.
    super::fails(&fixture, &keys, "MISSING", ErrorKind::NotFound).await?;
    let before = relay.requests();
    let names: Vec<_> = (0..NAMES).map(|number| format!("NAME_{number}")).collect();
    // Each name twice.
    let names: Vec<_> = names.iter().flat_map(|name| [name, name]).collect();
    let outcomes = keys.refresh(&names).await;
    assert_eq!(outcomes.len(), 2 * NAMES);
    for (name, outcome) in names.into_iter().zip(rows(&fixture, outcomes)) {
        let expected = match name.as_str() {
            "NAME_0" => row(name, None, Some(1), None),
            _ => row(name, None, None, Some(ErrorKind::NotFound)),
        };
        assert_eq!(outcome, expected);
    }
    assert_eq!(relay.requests() - before, NAMES);
    Ok(())
}

/// Two operators refresh a hundred names again and again.
#[tokio::test]
async fn sealed_server_gets_one_request_a_second_and_values_stay() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let relay = Relay::to(server.address(), "").await?;
    let keys = keys(&fixture, &[("HCP_VAULT_ADDR", relay.address())]).await?;
    let value = secret("value");
    let names: Vec<_> = (0..100).map(|number| format!("NAME_{number}")).collect();
    for name in &names {
        fixture.put(name, json!({ "key": value })).await?;
        read(&fixture, &keys, name).await?;
    }
    server.seal().await?;
    // The refreshes that detect the outage are concurrent.
    let check = async || {
        let (one, two) = tokio::join!(keys.refresh(&names), keys.refresh_all());
        for outcomes in [one, two] {
            for (name, before, after, error) in rows(&fixture, outcomes) {
                let expected = (Some(1), Some(1), Some(ErrorKind::Unavailable));
                assert_eq!((before, after, error), expected, "{name}");
            }
        }
    };
    check().await;
    let (start, requests) = (Instant::now(), relay.requests());
    while start.elapsed() < Duration::from_secs(5) {
        check().await;
        let found = read(&fixture, &keys, "NAME_7").await?;
        assert_eq!((found.expose(), found.source()), (value.as_str(), Source::Cache));
        sleep(Duration::from_millis(20)).await;
    }
    let (seconds, sent) = (start.elapsed().as_secs(), relay.requests() - requests);
    let seconds = usize::try_from(seconds)?;
    assert!((1..=seconds + 2).contains(&sent), "{sent} requests in {seconds} s");
    let failed = keys.refreshed_secret("NAME_1", Refresh::Always).await?;
    assert_eq!((failed.secret.expose(), failed.secret.source()), (value.as_str(), Source::Cache));
    let error = failed.refresh_error.context("the refresh failed")?;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{}", error.message());
    let document = keys.entry("NAME_1")?.refresh().await?;
    assert_eq!((document.source(), document.metadata().version), (Source::Cache, 1));

    // The first refresh after the outage succeeds for all names.
    server.unseal().await?;
    sleep(NEXT).await;
    crate::product::until("a refresh of all names", async || {
        Ok(keys.refresh_all().await.iter().all(|outcome| outcome.error.is_none()))
    })
    .await
}

/// The deadline of an operation is that of all names together.
#[tokio::test]
async fn server_that_hangs_ends_a_refresh_at_the_deadline() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let keys = keys(&fixture, &[("KM_DEADLINE", "1s")]).await?;
    let value = secret("value");
    for name in ["A", "B"] {
        fixture.put(name, json!({ "key": value })).await?;
        read(&fixture, &keys, name).await?;
    }
    server.freeze().await?;
    let names: Vec<_> = (0..500).map(|number| format!("ABSENT_{number}")).collect();
    let names = ["A", "B"].into_iter().chain(names.iter().map(String::as_str));
    let start = Instant::now();
    let outcomes = keys.refresh(names).await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert_eq!(outcomes.len(), 502);
    for (name, before, after, error) in rows(&fixture, outcomes) {
        let version = matches!(name.as_str(), "A" | "B").then_some(1);
        let expected = (version, version, Some(ErrorKind::Unavailable));
        assert_eq!((before, after, error), expected, "{name}");
    }
    assert_eq!(read(&fixture, &keys, "A").await?.expose(), value);
    server.thaw().await
}
