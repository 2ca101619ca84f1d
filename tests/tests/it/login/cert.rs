//! The certificate method, and the verification of the server's certificate before any login.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Certs, Fixture, Pem, Server, unique};
use vault_auth::{Auth, Certificate};
use vault_http::{Client, ClientIdentity, ErrorKind, Executed, Session, TokenSource as _};
use vault_kv::{Kv, Mount};

use super::{logs_in, refused};
use crate::product::{approle, builder, path, tls_client};

/// Creates a certificate role with the fixture's policy for this common name, and returns its name.
async fn role(server: &Server, fixture: &Fixture, common_name: &str) -> Result<String> {
    role_with(server, fixture, &[common_name], json!({})).await
}

/// Like [`role`], for several common names and with more settings.
pub(super) async fn role_with(
    server: &Server,
    fixture: &Fixture,
    common_names: &[&str],
    settings: Value,
) -> Result<String> {
    // Another test may have enabled the method already.
    server.api("POST", "sys/auth/cert", json!({ "type": "cert" })).await?;
    let mut role = json!({
        "certificate": server.certs()?.client_ca(),
        "allowed_common_names": common_names,
        "token_policies": [fixture.policy],
    });
    if let (Value::Object(role), Value::Object(settings)) = (&mut role, settings) {
        role.extend(settings);
    }
    server.must("POST", &format!("auth/cert/certs/{}", fixture.role), role).await?;
    Ok(fixture.role.clone())
}

pub(super) fn with_identity(server: &Server, pem: &Pem) -> Result<Client> {
    let identity = ClientIdentity::from_pem(pem.certificate.as_bytes(), pem.key.as_bytes())?;
    Ok(tls_client(server)?.identity(identity).build()?)
}

#[tokio::test]
async fn certificate_logs_in_with_a_named_or_any_matching_role() -> Result<()> {
    let server = Server::tls().await?;
    let fixture = server.fixture().await?;
    fixture.put("name", json!({ "key": "v" })).await?;
    let common_name = format!("gateway-{}", unique());
    let role = role(server, &fixture, &common_name).await?;
    let client = with_identity(server, &server.certs()?.client(&common_name)?)?;
    for role in [Some(role), None] {
        let auth = Auth::new(client.clone(), Certificate::new(role));
        logs_in(&fixture, &auth).await?;
        let session = Session::new(client.clone(), auth);
        let secret = Kv::new(session, Mount::new(&fixture.mount)?).read(&path("name")?).await?;
        assert_eq!(secret.metadata.version, 1);
    }
    Ok(())
}

#[tokio::test]
async fn certificate_that_matches_no_role_is_login_refused() -> Result<()> {
    let server = Server::tls().await?;
    let fixture = server.fixture().await?;
    let common_name = format!("gateway-{}", unique());
    let role = role(server, &fixture, &common_name).await?;
    let stranger = format!("stranger-{}", unique());
    let check = async |client: Client, role: Option<&str>| {
        let auth = Auth::new(client, Certificate::new(role.map(str::to_owned)));
        refused(&fixture, &auth, ErrorKind::LoginRefused).await;
    };
    // The right authority with another name, and another authority with the right name.
    for pem in [server.certs()?.client(&stranger)?, Certs::new()?.client(&common_name)?] {
        check(with_identity(server, &pem)?, Some(&role)).await;
        check(with_identity(server, &pem)?, None).await;
    }
    let right = server.certs()?.client(&common_name)?;
    check(with_identity(server, &right)?, Some("no-such-role")).await;
    check(tls_client(server)?.build()?, Some(&role)).await;
    Ok(())
}

#[tokio::test]
async fn untrusted_server_receives_no_credential() -> Result<()> {
    let server = Server::tls().await?;
    let spec = testkit::FixtureSpec {
        role: Some(json!({ "secret_id_num_uses": 1 })),
        ..Default::default()
    };
    let fixture = server.fixture_with(spec).await?;
    let (ours, other) = (server.certs()?.ca(), Certs::new()?.ca());
    for (ca, name) in
        [(&other, None), (&ours, Some("vault.example.com")), (&other, Some("localhost"))]
    {
        let builder = builder(server.address())?.ca_pem(ca.clone());
        let builder = if let Some(name) = name { builder.server_name(name) } else { builder };
        let auth = Auth::new(builder.build()?, approle(&fixture)?);
        let error = auth.token().await.unwrap_err();
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Tls, Executed::No), "{error}");
        fixture.watch.error(&error);
    }
    // The secret ID still has its only use.
    fixture.login().await.map(drop)
}

#[tokio::test]
async fn client_without_a_ca_bundle_trusts_the_systems_authorities() -> Result<()> {
    let server = Server::tls().await?;
    let fixture = server.fixture().await?;
    let client = builder(server.address())?.build()?;
    refused(&fixture, &Auth::new(client, approle(&fixture)?), ErrorKind::Tls).await;
    Ok(())
}

#[tokio::test]
async fn tls_server_name_replaces_the_host_of_the_address() -> Result<()> {
    let server = Server::tls().await?;
    let fixture = server.fixture().await?;
    for name in [None, Some("localhost"), Some("127.0.0.1")] {
        let builder = tls_client(server)?;
        let builder = if let Some(name) = name { builder.server_name(name) } else { builder };
        logs_in(&fixture, &Auth::new(builder.build()?, approle(&fixture)?)).await?;
    }
    Ok(())
}
