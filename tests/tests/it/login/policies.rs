//! Changes of a role's policies while its token is in use.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use testkit::{Fixture, FixtureSpec, Server};
use tokio::time::{Instant, sleep};
use vault_http::ErrorKind as Http;
use vault_kv::ErrorKind;

use crate::product::{approle, auth, kv_by, path};

/// The age from which a source doubts that a token has its role's current policies.
const WITHIN: Duration = Duration::from_secs(45);

/// Returns a fixture whose policy allows only `A`.
async fn fixture() -> Result<Fixture> {
    let policy = |mount: &str| format!("path \"{mount}/data/A\" {{ capabilities = [\"read\"] }}");
    let role = json!({ "token_ttl": "1h" });
    let spec = FixtureSpec { policy: Some(policy), role: Some(role), ..FixtureSpec::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    for name in ["A", "B"] {
        fixture.put(name, json!({ "key": "v" })).await?;
    }
    Ok(fixture)
}

/// C4
#[tokio::test]
async fn path_that_a_changed_role_allows_is_read_within_a_minute_by_one_login() -> Result<()> {
    let fixture = fixture().await?;
    let auth = auth(&fixture, approle(&fixture)?)?;
    let kv = kv_by(&fixture, &auth)?;
    kv.read(&path("A")?).await?;
    assert_eq!(kv.read(&path("B")?).await.unwrap_err().kind(), ErrorKind::Exchange(Http::Denied));

    let more = format!("{}-more", fixture.policy);
    let rules = format!("path \"{}/data/B\" {{ capabilities = [\"read\"] }}", fixture.mount);
    let server = fixture.server();
    server.must("PUT", &format!("sys/policies/acl/{more}"), json!({ "policy": rules })).await?;
    let role = format!("auth/{}/role/{}", fixture.auth_mount, fixture.role);
    let policies = json!({ "token_policies": [fixture.policy, more] });
    server.must("POST", &role, policies).await?;

    let begun = Instant::now();
    while let Err(error) = kv.read(&path("B")?).await {
        assert_eq!(error.kind(), ErrorKind::Exchange(Http::Denied), "{error}");
        assert!(begun.elapsed() < WITHIN, "still denied");
        // No caller waits for the login.
        kv.read(&path("A")?).await?;
        sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(auth.status().counts.logins, 2);
    Ok(())
}

/// C4: the new token has the same policies and is revoked.
#[tokio::test]
async fn path_that_stays_denied_causes_one_login_and_leaves_one_token() -> Result<()> {
    let fixture = fixture().await?;
    let auth = auth(&fixture, approle(&fixture)?)?;
    let kv = kv_by(&fixture, &auth)?;
    kv.read(&path("A")?).await?;
    let generation = auth.status().generation;
    let begun = Instant::now();
    while begun.elapsed() < WITHIN {
        assert_eq!(
            kv.read(&path("B")?).await.unwrap_err().kind(),
            ErrorKind::Exchange(Http::Denied)
        );
        let alive = super::accessors(&fixture).await?.len();
        assert!(alive <= 2, "{alive} tokens live");
        sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(auth.status().generation, generation);
    assert_eq!(super::accessors(&fixture).await?.len(), 1);
    Ok(())
}
