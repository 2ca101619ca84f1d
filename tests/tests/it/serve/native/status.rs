//! The status in the native API.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testkit::{Km, Server, leaks, secret};
use tokio::time::Instant;

use crate::cli::listener::{Reply, Scripted, mount_of_version_2};
use crate::product::until;
use crate::serve::sidecar::Sidecar;

const STATUS: &str = "/km/v1/status";

/// How long a status call may take on a loaded machine. Its own limit is a second.
const AT_ONCE: Duration = Duration::from_secs(3);

async fn status(sidecar: &Sidecar) -> Result<Value> {
    sidecar.get(STATUS).await?.expect(200)?.json()
}

/// Returns what the status says about a name, or null.
fn secret_named(status: &Value, name: &str) -> Value {
    let mut secrets = status["secrets"].as_array().into_iter().flatten();
    secrets.find(|secret| secret["name"] == name).cloned().unwrap_or_default()
}

async fn until_secret_is(sidecar: &Sidecar, name: &str, state: &str, error: Value) -> Result<()> {
    until(&format!("{name} is {state}"), async || {
        let secret = secret_named(&status(sidecar).await?, name);
        Ok(secret["state"] == state && secret["last_error"] == error)
    })
    .await
}

#[tokio::test]
async fn status_has_the_server_the_login_the_names_and_the_settings() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": secret("value") })).await?;
    fixture.put("ONE", json!({ "key": secret("value") })).await?;
    let sidecar = Sidecar::of(&fixture).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    sidecar.get("/km/v1/secrets/ABSENT").await?.expect(404)?;
    let response = sidecar.get(STATUS).await?.expect(200)?;
    assert_eq!(response.header("cache-control"), "no-store");
    let mut status = response.json()?;
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert!(status["uptime_seconds"].is_u64());
    assert_eq!(status["ready"], true);

    let vault = &mut status["vault"];
    assert!(vault["since_seconds"].take().is_u64() && vault["version"].take().is_string());
    let address = fixture.server().address();
    assert_eq!(
        *vault,
        json!({ "address": address, "reachable": true, "since_seconds": null, "sealed": false,
            "version": null, "last_error": null })
    );
    let login = &mut status["login"];
    assert!(login["ttl_seconds"].take().is_u64());
    assert_eq!(
        *login,
        json!({ "method": "approle", "state": "active", "ttl_seconds": null, "generation": 1,
            "last_error": null })
    );

    let mut one = secret_named(&status, "ONE");
    assert!(one["age_seconds"].take().is_u64() && one["refresh_in_seconds"].take().is_u64());
    assert_eq!(
        one,
        json!({ "name": "ONE", "version": 2, "age_seconds": null, "state": "fresh",
            "source": "vault", "refresh_in_seconds": null, "last_error": null })
    );
    let mut absent = secret_named(&status, "ABSENT");
    assert!(absent["refresh_in_seconds"].take().is_u64());
    assert_eq!(
        absent,
        json!({ "name": "ABSENT", "version": null, "age_seconds": null, "state": "negative",
            "source": null, "refresh_in_seconds": null, "last_error": "not_found" })
    );
    let cache = &mut status["cache"];
    assert!(cache["bytes"].take().as_u64() > Some(0));
    assert_eq!(*cache, json!({ "entries": 2, "bytes": null, "hits": 1, "misses": 2 }));

    let settings = status["settings"].as_array().cloned().unwrap_or_default();
    for expected in [
        json!({ "name": "HCP_VAULT_ADDR", "value": address,
            "source": "environment: HCP_VAULT_ADDR" }),
        json!({ "name": "HCP_VAULT_APPROLE_SECRET_ID", "value": null, "set": true,
            "source": "environment: HCP_VAULT_APPROLE_SECRET_ID" }),
        json!({ "name": "KM_DEADLINE", "value": "5s", "source": "default" }),
    ] {
        assert!(settings.contains(&expected), "no {expected}: {settings:?}");
    }
    sidecar.stop().await.map(drop)
}

/// The settings contain credentials, the cache values, and the errors could contain paths.
#[tokio::test]
async fn status_contains_no_value_and_no_credential() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": secret("value"), "other": secret("other") })).await?;
    let (km, token) = (fixture.km(), fixture.token(json!({})).await?);
    let by_approle = km.env("KM_STORE_VIRTUAL_KEYS", "true");
    for (km, alias) in [(by_approle, "alice"), (token_only(&fixture, &token), "bob")] {
        let sidecar = Sidecar::start(km.env("KM_ACCESS_MODE", "read_and_write"), &[]).await?;
        let body = json!({ "alias": alias, "value": secret("virtual-key") });
        sidecar.call("POST", "/km/v1/keys", body).await?.expect(200)?;
        sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
        for path in [STATUS.to_owned(), format!("{STATUS}?keys=true")] {
            let text = sidecar.get(&path).await?.expect(200)?.text;
            assert_eq!(leaks::mark_in(&text), None, "{text}");
            let local = sidecar.token.clone().unwrap_or_default();
            for credential in [&token, &fixture.role_id, &fixture.secret_id, &local] {
                assert!(!text.contains(credential), "{text}");
            }
        }
    }
    Ok(())
}

fn token_only(fixture: &testkit::Fixture, token: &str) -> Km {
    Km::new()
        .env("HCP_VAULT_ADDR", fixture.server().address())
        .env("HCP_VAULT_MOUNT_NAME", &fixture.mount)
        .env("HCP_VAULT_TOKEN", token)
        .env("KM_STORE_VIRTUAL_KEYS", "true")
}

#[tokio::test]
async fn virtual_keys_are_shown_only_on_request() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": secret("value") })).await?;
    fixture.put("litellm/alice", json!({ "key": secret("key") })).await?;
    fixture.put("teams/a/litellm/bob", json!({ "key": secret("key") })).await?;
    let sidecar = Sidecar::of(&fixture).await?;
    for name in ["ONE", "litellm/alice", "teams/a/litellm/bob"] {
        let path = format!("/v1/{}/data/{name}", fixture.mount);
        sidecar.get(&path).await?.expect(200)?;
    }
    for (query, expected) in [("", false), ("?keys=false", false), ("?keys=true", true)] {
        let response = sidecar.get(&format!("{STATUS}{query}")).await?.expect(200)?;
        for name in ["alice", "bob"] {
            assert_eq!(response.text.contains(name), expected, "{query}: {}", response.text);
        }
        let status = response.json()?;
        assert_eq!(secret_named(&status, "ONE")["state"], "fresh");
        assert_eq!(secret_named(&status, "litellm/alice")["virtual_key"] == true, expected);
        // The number of entries does not depend on the query.
        assert_eq!(status["cache"]["entries"], 3);
    }
    for query in ["?keys=1", "?keys", "?names=true", "?keys=true&keys=true"] {
        let response = sidecar.get(&format!("{STATUS}{query}")).await?.expect(400)?;
        assert_eq!(response.json()?["error"]["kind"], "usage", "{query}");
    }
    for method in ["POST", "DELETE", "HEAD"] {
        sidecar.call(method, STATUS, None).await?.expect(405)?;
    }
    Ok(())
}

/// In one folder, every name that the configuration does not mention may be that of a key.
#[tokio::test]
async fn names_in_a_shared_folder_count_as_virtual_keys() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for name in ["ONE", "alice"] {
        fixture.put(name, json!({ "key": secret("value") })).await?;
    }
    let km = fixture.km().env("KM_ACCESS_MODE", "read_and_write");
    let km = km.env("KM_STORE_VIRTUAL_KEYS", "true").env("KM_HOSTED_KEYS", "ONE");
    let km = km.env("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", "");
    let sidecar = Sidecar::start(km.env("KM_DANGER_SHARED_KEY_FOLDER", "true"), &[]).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    let path = format!("/v1/{}/data/alice", fixture.mount);
    sidecar.get(&path).await?;
    let text = sidecar.get(STATUS).await?.expect(200)?.text;
    assert!(text.contains("\"ONE\"") && !text.contains("alice"), "{text}");
    Ok(())
}

#[tokio::test]
async fn environment_is_the_source_of_a_name_that_vault_does_not_have() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let directory = tempfile::tempdir()?;
    let config = directory.path().join("config.yaml");
    std::fs::write(&config, "keys: [os.environ/FROM_ENVIRONMENT, os.environ/NOWHERE]\n")?;
    let km = fixture.km().env("KM_CONFIG", &config).env("KM_FALLBACK", "on_missing");
    let sidecar = Sidecar::start(km.env("FROM_ENVIRONMENT", secret("value")), &[]).await?;
    sidecar.get("/km/v1/secrets/FROM_ENVIRONMENT").await?.expect(200)?;
    sidecar.get("/km/v1/secrets/NOWHERE").await?.expect(404)?;
    let status = status(&sidecar).await?;
    for (name, source) in [("FROM_ENVIRONMENT", json!("environment")), ("NOWHERE", Value::Null)] {
        let secret = secret_named(&status, name);
        assert_eq!(secret["state"], "negative");
        assert_eq!(secret["source"], source, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn status_follows_an_outage_and_a_seal() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    fixture.put("ONE", json!({ "key": secret("value") })).await?;
    let km = fixture.km().env("HCP_VAULT_REFRESH_INTERVAL", "2s");
    let sidecar = Sidecar::start(km, &[]).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    assert_eq!(secret_named(&status(&sidecar).await?, "ONE")["state"], "fresh");

    server.stop().await?;
    until("stale", async || {
        let response = sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
        Ok(response.json()?["stale"] == true)
    })
    .await?;
    until_secret_is(&sidecar, "ONE", "stale", json!("unavailable")).await?;
    let down = status(&sidecar).await?;
    assert_eq!(down["vault"]["reachable"], false);
    assert_eq!(down["vault"]["sealed"], Value::Null);
    let error = down["vault"]["last_error"].as_str().unwrap_or_default();
    assert!(error.starts_with("cannot connect to the server"), "{error}");
    assert!(!error.contains("ONE"), "{error}");
    assert_eq!(secret_named(&down, "ONE")["version"], 1);

    server.start().await?;
    until("sealed", async || {
        let vault = status(&sidecar).await?["vault"].take();
        Ok(vault["reachable"] == true && vault["sealed"] == true && vault["version"].is_string())
    })
    .await?;
    server.unseal().await?;
    until("unsealed", async || {
        sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
        let status = status(&sidecar).await?;
        Ok(status["vault"]["sealed"] == false && status["vault"]["last_error"].is_null())
    })
    .await?;
    until_secret_is(&sidecar, "ONE", "fresh", Value::Null).await
}

/// A server that does not respond delays the status by a second, whatever the deadline is.
#[tokio::test]
async fn status_does_not_wait_for_a_server_that_hangs() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    for deadline in ["9s", "300ms"] {
        let sidecar = Sidecar::start(fixture.km().env("KM_DEADLINE", deadline), &[]).await?;
        until("logged in", async || Ok(status(&sidecar).await?["ready"] == true)).await?;
        server.freeze().await?;
        for _ in 0..3 {
            let started = Instant::now();
            let response = sidecar.get(STATUS).await;
            let elapsed = started.elapsed();
            ensure!(elapsed < AT_ONCE, "{deadline}: it took {elapsed:?}");
            response?.expect(200)?;
        }
        until("not reachable", async || Ok(status(&sidecar).await?["vault"]["reachable"] == false))
            .await?;
        server.thaw().await?;
    }
    Ok(())
}

#[tokio::test]
async fn status_before_the_first_login_says_so() -> Result<()> {
    let server = Scripted::new(|request| match request {
        request if request.starts_with("GET /v1/sys/health") => {
            Reply::Json(200, json!({ "initialized": true, "sealed": false, "version": "1.2.3" }))
        }
        _ => Reply::Hang,
    })?;
    let km = Km::new().env("HCP_VAULT_ADDR", server.address());
    let km = km.env("HCP_VAULT_APPROLE_ROLE_ID", "a").env("HCP_VAULT_APPROLE_SECRET_ID", "b");
    let sidecar = Sidecar::start(km, &[]).await?;
    let status = status(&sidecar).await?;
    assert_eq!(status["ready"], false);
    assert_eq!(status["vault"]["reachable"], true);
    assert_eq!(status["vault"]["version"], "1.2.3");
    assert!(["empty", "logging_in"].contains(&status["login"]["state"].as_str().unwrap_or("")));
    assert_eq!(status["login"]["ttl_seconds"], Value::Null);
    assert_eq!(status["secrets"], json!([]));
    Ok(())
}

#[tokio::test]
async fn refused_login_is_reported_without_the_credential() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let km = fixture.km().env("HCP_VAULT_APPROLE_SECRET_ID", secret("wrong"));
    let sidecar = Sidecar::start(km, &[]).await?;
    until("rejected", async || {
        let login = status(&sidecar).await?["login"].take();
        Ok(login["state"] == "rejected" && login["last_error"].is_string())
    })
    .await?;
    let text = sidecar.get(STATUS).await?.text;
    assert_eq!(leaks::mark_in(&text), None, "{text}");
    Ok(())
}

#[tokio::test]
async fn name_is_loading_while_its_first_read_is_in_flight() -> Result<()> {
    let server = Scripted::with_token(|request| match request {
        "GET /v1/secret/data/ONE" => Reply::Later(404, json!({ "errors": [] })),
        request if request.starts_with("GET /v1/sys/health") => {
            Reply::Json(200, json!({ "initialized": true, "sealed": false }))
        }
        _ => mount_of_version_2(),
    })?;
    let km = Km::new().env("HCP_VAULT_ADDR", server.address()).env("HCP_VAULT_TOKEN", "token");
    let sidecar = Sidecar::start(km, &[]).await?;
    let (read, loading) = tokio::join!(sidecar.get("/km/v1/secrets/ONE"), async {
        let outcome = async {
            server.wait_for_request("GET /v1/secret/data/ONE").await?;
            status(&sidecar).await
        };
        let status = outcome.await;
        server.release();
        status
    });
    let expected = json!({ "name": "ONE", "version": null, "age_seconds": null,
        "state": "loading", "source": null, "refresh_in_seconds": null, "last_error": null });
    assert_eq!(secret_named(&loading?, "ONE"), expected);
    read?.expect(404)?;
    Ok(())
}

/// A status call must not cost a request each: others may have just shown the state.
#[tokio::test]
async fn many_status_calls_send_at_most_one_health_check_a_second() -> Result<()> {
    let server = Scripted::with_token(|request| match request {
        request if request.starts_with("GET /v1/sys/health") => {
            Reply::Json(200, json!({ "initialized": true, "sealed": false }))
        }
        _ => mount_of_version_2(),
    })?;
    let km = Km::new().env("HCP_VAULT_ADDR", server.address()).env("HCP_VAULT_TOKEN", "token");
    let sidecar = Sidecar::start(km, &[]).await?;
    let started = Instant::now();
    for _ in 0..100 {
        status(&sidecar).await?;
    }
    let seconds = usize::try_from(started.elapsed().as_secs())?;
    let checks = server.requests().iter().filter(|one| one.contains("sys/health")).count();
    // Readiness has a check of its own every five seconds.
    assert!(checks <= 2 + seconds + seconds / 5, "{checks} in {seconds} s");
    Ok(())
}
