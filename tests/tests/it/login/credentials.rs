//! Credentials that stop working, and credential files that change.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use testkit::{Fixture, FixtureSpec, Server, secret, unique};
use tokio::time::Instant;
use vault_auth::{AppRole, Auth, Certificate, Credential, State, StaticToken};
use vault_http::{ApiPath, ErrorKind as Http, TokenSource as _};
use vault_kv::ErrorKind;

use super::{logs_in, replaces_a_revoked_token, revoke};
use crate::product::{Files, approle, auth, client, kv_by, path, tls_client, until, value};
use crate::relay::Relay;

async fn fixture(role: Value) -> Result<Fixture> {
    let spec = FixtureSpec { role: Some(role), ..FixtureSpec::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    fixture.put("name", json!({ "key": "v" })).await?;
    Ok(fixture)
}

fn place(fixture: &Fixture, what: &str) -> String {
    format!("auth/{}/role/{}{what}", fixture.auth_mount, fixture.role)
}

/// Returns the fixture's role with its secret ID in a file.
fn by_file(fixture: &Fixture, files: &Files) -> Result<AppRole> {
    let file = files.write("secret-id", &fixture.secret_id)?;
    let role = AppRole::new(value(&fixture.role_id), Credential::File(file));
    Ok(role.mount(ApiPath::parse(&fixture.auth_mount)?))
}

/// Creates another secret ID of the role.
async fn another(fixture: &Fixture) -> Result<String> {
    let next = secret("next");
    let body = json!({ "secret_id": next });
    fixture.server().must("POST", &place(fixture, "/custom-secret-id"), body).await?;
    Ok(next)
}

async fn rejected(auth: &Auth) -> Result<()> {
    until("a refused credential", async || Ok(auth.status().state == State::Rejected)).await
}

#[tokio::test]
async fn dead_secret_id_leaves_the_token_in_use_and_a_new_file_recovers() -> Result<()> {
    let used_up = json!({ "token_ttl": "3s", "token_max_ttl": "3s", "secret_id_num_uses": 1 });
    let lasting = json!({ "token_ttl": "3s", "token_max_ttl": "3s" });
    for (role, kill) in [(used_up, ""), (lasting, "/secret-id/destroy")] {
        let (fixture, files) = (fixture(role).await?, Files::new()?);
        let auth = auth(&fixture, by_file(&fixture, &files)?)?;
        let first = auth.token().await?.generation;
        if !kill.is_empty() {
            let body = json!({ "secret_id": fixture.secret_id });
            fixture.server().must("POST", &place(&fixture, kill), body).await?;
        }
        rejected(&auth).await?;
        // The new login was refused before the old token expired.
        assert_eq!(auth.token().await?.generation, first, "{kill}");
        let ended = async || Ok(!auth.status().is_ready());
        until("the token's end", ended).await?;
        let error = auth.token().await.unwrap_err();
        assert_eq!(error.kind(), Http::LoginRefused, "{error}");
        fixture.watch.error(&error);

        files.write("secret-id", &another(&fixture).await?)?;
        until("a login with the new one", async || Ok(auth.token().await.is_ok())).await?;
    }
    Ok(())
}

#[tokio::test]
async fn deleted_role_is_rejected_and_a_recreated_role_recovers() -> Result<()> {
    let (fixture, files) = (fixture(json!({ "token_ttl": "10s" })).await?, Files::new()?);
    let auth = auth(&fixture, by_file(&fixture, &files)?)?;
    let kv = kv_by(&fixture, &auth)?;
    kv.read(&path("name")?).await?;
    fixture.server().must("DELETE", &place(&fixture, ""), None).await?;
    rejected(&auth).await?;
    // Two renewals and a login.
    let counts = auth.status().counts;
    assert_eq!((counts.refusals, counts.invalidated), (3, 0), "{counts:?}");

    let role = json!({ "token_policies": fixture.policy, "role_id": fixture.role_id });
    fixture.server().must("POST", &place(&fixture, ""), role).await?;
    let role_id = json!({ "role_id": fixture.role_id });
    fixture.server().must("POST", &place(&fixture, "/role-id"), role_id).await?;
    files.write("secret-id", &another(&fixture).await?)?;
    let healed = async || Ok(kv.read(&path("name")?).await.is_ok());
    until("a read by the new role", healed).await
}

#[tokio::test]
async fn secret_id_bound_to_another_address_is_refused_once() -> Result<()> {
    let elsewhere = json!({ "secret_id_bound_cidrs": ["192.0.2.0/24"] });
    let fixture = fixture(elsewhere).await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let auth = Auth::new(client(relay.address())?, approle(&fixture)?);
    for _ in 0..20 {
        let error = auth.token().await.unwrap_err();
        assert_eq!(error.kind(), Http::LoginRefused, "{error}");
    }
    assert_eq!((relay.requests(), auth.status().state), (1, State::Rejected));
    Ok(())
}

#[tokio::test]
async fn revoked_token_with_a_dead_secret_id_sends_few_requests() -> Result<()> {
    let fixture = fixture(json!({ "token_ttl": "1h" })).await?;
    let relay = Relay::to(fixture.server().address(), "").await?;
    let auth = Auth::new(client(relay.address())?, approle(&fixture)?);
    let kv = kv_by(&fixture, &auth)?;
    kv.read(&path("name")?).await?;
    let body = json!({ "secret_id": fixture.secret_id });
    fixture.server().must("POST", &place(&fixture, "/secret-id/destroy"), body).await?;
    revoke(&fixture, auth.token().await?.token.expose()).await?;
    let before = relay.requests();
    let begun = Instant::now();
    // The rest of the minute is tested on virtual time, in `vault-auth`.
    while begun.elapsed() < Duration::from_secs(3) {
        let error = kv.read(&path("name")?).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exchange(Http::LoginRefused), "{error}");
    }
    let sent = relay.requests() - before;
    assert!(sent <= 3, "{sent} requests");
    Ok(())
}

#[tokio::test]
async fn unusable_secret_id_file_leaves_the_last_good_secret_id() -> Result<()> {
    let (fixture, files) = (fixture(json!({})).await?, Files::new()?);
    let auth = auth(&fixture, by_file(&fixture, &files)?)?;
    logs_in(&fixture, &auth).await?;
    for unusable in ["", " \n"] {
        files.write("secret-id", unusable)?;
        replaces_a_revoked_token(&fixture, &auth).await?;
        logs_in(&fixture, &auth).await?;
    }
    Ok(())
}

#[tokio::test]
async fn changed_token_file_is_used_while_the_old_token_works() -> Result<()> {
    let (fixture, files) = (fixture(json!({})).await?, Files::new()?);
    let first = fixture.token(json!({ "ttl": "5m" })).await?;
    let second = fixture.token(json!({ "ttl": "5m" })).await?;
    let file = files.write("token", &first)?;
    let auth = auth(&fixture, StaticToken::new(Credential::File(file)).with_lookup())?;
    assert_eq!(auth.token().await?.token.expose(), first);
    files.write("token", &second)?;
    until("the second token", async || Ok(auth.token().await?.token.expose() == second)).await?;
    assert!(
        super::policies(fixture.server(), &first).await?.is_some(),
        "it was not ours to revoke"
    );
    Ok(())
}

#[tokio::test]
async fn replaced_certificate_and_key_are_used_as_a_pair_by_a_login() -> Result<()> {
    let server = Server::tls().await?;
    let (fixture, files) = (server.fixture().await?, Files::new()?);
    let names = [(); 2].map(|()| format!("gateway-{}", unique()));
    let role = super::cert::role_with(server, &fixture, &[&names[0], &names[1]], json!({})).await?;
    let write = |name: &str| -> Result<_> {
        let pem = server.certs()?.client(name)?;
        Ok((files.write("cert.pem", &pem.certificate)?, files.write("key.pem", &pem.key)?))
    };
    let (certificate, key) = write(&names[0])?;
    let client = tls_client(server)?.identity_files(&certificate, &key).build()?;
    let auth = Auth::new(client, Certificate::new(Some(role)).files(certificate, key));
    let shown = async || -> Result<String> {
        let token = auth.token().await?.token;
        let path = "auth/token/lookup-self";
        let (_, answer) = server.raw().call("GET", path, Some(token.expose()), None).await?;
        let name = answer["data"]["meta"]["common_name"].as_str();
        name.map(str::to_owned).context("a token without a common name")
    };
    assert_eq!(shown().await?, names[0]);
    write(&names[1])?;
    until("a login with the other pair", async || Ok(shown().await? == names[1])).await?;
    assert_eq!(auth.status().counts.invalidated, 0);
    Ok(())
}

/// Run by `cargo xtask test --slow`.
mod slow {
    use tokio::time::sleep;

    use super::*;

    /// A replaced token is revoked one minute after the login that replaced it.
    const REVOCATION: Duration = Duration::from_secs(75);

    #[tokio::test]
    #[ignore = "takes 75 seconds: cargo xtask test --slow"]
    async fn replaced_token_is_revoked_only_if_the_builder_says_so() -> Result<()> {
        let fixture = fixture(json!({ "token_ttl": "1h" })).await?;
        let mut sources = Vec::new();
        for revoke in [false, true] {
            let (client, files) = (client(fixture.server().address())?, Files::new()?);
            let method = by_file(&fixture, &files)?;
            let auth = Auth::builder(client, method).revoke_replaced(revoke).build();
            let first = auth.token().await?;
            files.write("secret-id", &another(&fixture).await?)?;
            auth.reload();
            let replaced = async || Ok(auth.token().await?.generation > first.generation);
            until("a login with the new credential", replaced).await?;
            sources.push((revoke, first, auth, files));
        }
        sleep(REVOCATION).await;
        for (revoke, first, ..) in &sources {
            let token = first.token.expose();
            let look_up =
                fixture.server().raw().call("GET", "auth/token/lookup-self", Some(token), None);
            assert_eq!(look_up.await?.0, if *revoke { 403 } else { 200 }, "{revoke}");
        }
        Ok(())
    }
}
