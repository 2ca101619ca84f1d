//! Fallback to the process environment for names that are looked up in Vault.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Engine, Fixture, FixtureSpec, Km, Server, secret};

use super::common::NAME;
use super::listener::closed_port;

const POLICIES: [Option<&str>; 4] = [None, Some("never"), Some("on_missing"), Some("on_error")];

/// Runs a case under each policy, the default first, and compares the exit codes. With code 0
/// stdout must be the value of the environment.
async fn check(case: &str, km: impl Fn() -> Km, codes: [i32; 4]) -> Result<()> {
    for (policy, code) in POLICIES.into_iter().zip(codes) {
        let value = secret("environment");
        let km = km().env(NAME, &value).args(["read", NAME]);
        let km = policy.into_iter().fold(km, |km, policy| km.env("KM_FALLBACK", policy));
        let output = km.run().await?;
        assert_eq!(output.code, code, "{case}, {policy:?}: {}", output.stderr);
        let expected = if code == 0 { value.as_str() } else { "" };
        assert_eq!(output.text()?, expected, "{case}, {policy:?}");
    }
    Ok(())
}

async fn fixture(stored: Option<Value>) -> Result<Fixture> {
    let fixture = Server::shared().await?.fixture().await?;
    if let Some(fields) = stored {
        fixture.put(NAME, fields).await?;
    }
    Ok(fixture)
}

#[tokio::test]
async fn secret_that_was_never_written_falls_back_unless_forbidden() -> Result<()> {
    let fixture = fixture(None).await?;
    check("never written", || fixture.km(), [0, 6, 0, 0]).await?;
    let nowhere = fixture.km().args(["read", NAME]).run().await?.expect(6)?;
    assert!(nowhere.stdout.is_empty());
    // A variable that is set counts, even if it is empty.
    let km = fixture.km().env(NAME, "").args(["read", NAME]);
    assert_eq!(km.run().await?.expect(0)?.text()?, "");
    Ok(())
}

#[tokio::test]
async fn value_in_vault_takes_precedence() -> Result<()> {
    for value in [secret("value"), String::new()] {
        let fixture = fixture(Some(json!({ "key": value }))).await?;
        for policy in ["never", "on_missing", "on_error"] {
            let km = fixture.km().env("KM_FALLBACK", policy).env(NAME, "of the environment");
            assert_eq!(km.args(["read", NAME]).run().await?.expect(0)?.text()?, value);
        }
    }
    Ok(())
}

#[tokio::test]
async fn deleted_or_destroyed_version_falls_back_on_error_only() -> Result<()> {
    let fixture = fixture(Some(json!({ "key": secret("value") }))).await?;
    let (server, mount) = (fixture.server(), &fixture.mount);
    server.must("DELETE", &format!("{mount}/data/{NAME}"), None).await?;
    check("deleted", || fixture.km(), [6, 6, 6, 0]).await?;
    let versions = json!({ "versions": [1] });
    server.must("PUT", &format!("{mount}/destroy/{NAME}"), versions).await?;
    check("destroyed", || fixture.km(), [6, 6, 6, 0]).await
}

#[tokio::test]
async fn missing_mount_never_falls_back() -> Result<()> {
    let fixture = fixture(None).await?;
    fixture.server().must("DELETE", &format!("sys/mounts/{}", fixture.mount), None).await?;
    check("mount missing", || fixture.km(), [6, 6, 6, 6]).await
}

#[tokio::test]
async fn version_1_mount_falls_back_on_error_only() -> Result<()> {
    let spec = FixtureSpec { engine: Engine::V1, ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    check("v1", || fixture.km(), [8, 8, 8, 0]).await
}

#[tokio::test]
async fn value_that_is_not_a_string_falls_back_on_error_only() -> Result<()> {
    let fixture = fixture(Some(json!({ "key": 7 }))).await?;
    check("a number", || fixture.km(), [8, 8, 8, 0]).await
}

#[tokio::test]
async fn denied_read_falls_back_on_error_only() -> Result<()> {
    let policy = |mount: &str| format!(r#"path "{mount}/data/x" {{ capabilities = ["read"] }}"#);
    let spec = FixtureSpec { policy: Some(policy), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    check("denied", || fixture.km(), [5, 5, 5, 0]).await
}

#[tokio::test]
async fn unreachable_server_or_rejected_login_falls_back_on_error_only() -> Result<()> {
    let fixture = fixture(None).await?;
    let nowhere = closed_port()?;
    let km = || fixture.km().env_remove("HCP_VAULT_ADDR").env("HCP_VAULT_ADDR", &nowhere);
    check("unreachable", km, [4, 4, 4, 0]).await?;
    let id = "HCP_VAULT_APPROLE_SECRET_ID";
    let km = || fixture.km().env_remove(id).env(id, "wrong");
    check("login refused", km, [3, 3, 3, 0]).await
}

/// Applies to every policy and to every order of sources.
#[tokio::test]
async fn reserved_names_never_fall_back_to_the_environment() -> Result<()> {
    let fixture = fixture(None).await?;
    let names = ["HCP_VAULT_APPROLE_SECRET_ID", "KM_FALLBACK", "VAULT_TOKEN", "BAO_TOKEN"];
    for (variable, value) in
        [("KM_TOKENS", ""), ("KM_ACCESS_MODE", "write_only"), ("KM_HOSTED_KEYS", "OTHER")]
    {
        for policy in ["never", "on_missing", "on_error"] {
            for name in names.iter().flat_map(|n| [(*n).to_owned(), format!("os.environ/{n}")]) {
                let km = || {
                    let km = fixture.km().env("KM_FALLBACK", policy).env(variable, value);
                    let km = km.env("VAULT_TOKEN", secret("vault")).args(["read", &name]);
                    km.env("BAO_TOKEN", secret("bao"))
                };
                super::common::fails(km, 6, "not_found").await?;
            }
        }
    }
    // They are still looked up in Vault.
    let value = secret("stored");
    fixture.put("VAULT_TOKEN", json!({ "key": value })).await?;
    let km = fixture.km().env("VAULT_TOKEN", "of the environment").args(["read", "VAULT_TOKEN"]);
    assert_eq!(km.run().await?.expect(0)?.text()?, value);
    Ok(())
}
