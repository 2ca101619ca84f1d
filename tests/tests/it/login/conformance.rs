//! A conformance suite that every login method passes.

use std::sync::Arc;

use anyhow::Result;
use rcgen::{KeyPair, PKCS_ED25519};
use serde_json::{Value, json};
use testkit::{Certs, Directory, Fixture, FixtureSpec, Flavor, Server, Sts, secret, unique};
use vault_auth::{
    AppRole, Auth, AwsCredentials, AwsIam, Certificate, Credential, Jwt, Ldap, Method, OnShutdown,
    State, StaticToken, TokenKind, Userpass,
};
use vault_http::{ApiPath, Client, ErrorKind as Http, TokenSource as _};

use super::jwt::{claims, jwt};
use super::wrapped::wrapped_secret_id;
use super::{logs_in, policies, refused, replaces_a_revoked_token};
use crate::product::{Files, client, tls_client, until, value};

/// A method under test.
struct Case {
    fixture: Fixture,
    client: Client,
    good: Arc<dyn Fn() -> Result<Auth> + Send + Sync>,
    bad: Auth,
    /// Whether each login creates a new token, which the source may revoke.
    own: bool,
}

/// The token settings of all methods here. Such a token is renewed about once a second.
fn short() -> Value {
    json!({ "token_ttl": "2s", "token_max_ttl": "1h" })
}

impl Case {
    fn new<M: Method>(
        fixture: Fixture,
        client: Client,
        good: impl Fn() -> Result<M> + Send + Sync + 'static,
        bad: M,
    ) -> Self {
        let through = client.clone();
        let good = move || Ok(Auth::new(through.clone(), good()?));
        let bad = Auth::new(client.clone(), bad);
        Self { fixture, client, good: Arc::new(good), bad, own: true }
    }

    async fn conforms(self) -> Result<()> {
        let Self { fixture, client, good, bad, own } = self;
        let auth = good()?;
        assert_eq!(auth.status().state, State::Empty);
        logs_in(&fixture, &auth).await?;
        let status = auth.status();
        assert_eq!((status.state, status.kind), (State::Active, Some(TokenKind::Renewable)));

        // The token is renewed and stays the same.
        let first = auth.token().await?;
        let renewed = async || Ok(auth.status().counts.renewals >= 2);
        until("two renewals", renewed).await?;
        let second = auth.token().await?;
        assert_eq!(
            (first.generation, first.token.expose()),
            (second.generation, second.token.expose())
        );
        assert!(policies(fixture.server(), second.token.expose()).await?.is_some());

        if own {
            replaces_a_revoked_token(&fixture, &auth).await?;
            let third = auth.token().await?;
            assert!(third.generation > second.generation);
            // At the end it can be taken back.
            auth.shutdown(OnShutdown::Revoke).await;
            assert_eq!(policies(fixture.server(), third.token.expose()).await?, None);
        } else {
            auth.shutdown(OnShutdown::Revoke).await;
            assert!(policies(fixture.server(), second.token.expose()).await?.is_some());
        }
        assert_eq!(auth.token().await.unwrap_err().kind(), Http::Interrupted);

        refused(&fixture, &bad, Http::LoginRefused).await;
        assert_eq!(bad.status().state, State::Rejected);
        fixture.watch.debug(&bad.status());
        drop(client);
        Ok(())
    }
}

async fn with_short_leases(server: &Server) -> Result<Fixture> {
    let spec = FixtureSpec { role: Some(short()), ..FixtureSpec::default() };
    server.fixture_with(spec).await
}

/// Enables an auth method for one test, and returns its mount.
async fn mounted(server: &Server, kind: &str) -> Result<String> {
    let mount = format!("{kind}-{}", unique());
    server.must("POST", &format!("sys/auth/{mount}"), json!({ "type": kind })).await?;
    Ok(mount)
}

/// Adds the fixture's policy and short leases to the settings of a role.
fn role(fixture: &Fixture, settings: Value) -> Value {
    let mut role = short();
    role["token_policies"] = json!([fixture.policy]);
    if let (Value::Object(role), Value::Object(settings)) = (&mut role, settings) {
        role.extend(settings);
    }
    role
}

#[tokio::test]
async fn approle_conforms() -> Result<()> {
    let fixture = with_short_leases(Server::shared().await?).await?;
    let (id, secret_id) = (fixture.role_id.clone(), fixture.secret_id.clone());
    let good = move || Ok(AppRole::new(value(&id), value(&secret_id)));
    let bad = AppRole::new(value(&fixture.role_id), value(&secret("wrong")));
    let client = client(fixture.server().address())?;
    Case::new(fixture, client, good, bad).conforms().await
}

#[tokio::test]
async fn approle_with_a_wrapped_secret_id_conforms() -> Result<()> {
    let fixture = with_short_leases(Server::shared().await?).await?;
    let (id, token) = (fixture.role_id.clone(), wrapped_secret_id(&fixture).await?);
    let good = move || Ok(AppRole::new(value(&id), value(&token)).wrapped());
    let bad = AppRole::new(value(&fixture.role_id), value(&secret("wrong"))).wrapped();
    let client = client(fixture.server().address())?;
    Case::new(fixture, client, good, bad).conforms().await
}

#[tokio::test]
async fn certificate_conforms() -> Result<()> {
    let server = Server::tls().await?;
    let fixture = with_short_leases(server).await?;
    let name = format!("gateway-{}", unique());
    let name_of_role = super::cert::role_with(server, &fixture, &[&name], short()).await?;
    let shown = super::cert::with_identity(server, &server.certs()?.client(&name)?)?;
    let bad = Certificate::new(Some("no-such-role".to_owned()));
    let good = move || Ok(Certificate::new(Some(name_of_role.clone())));
    Case::new(fixture, shown, good, bad).conforms().await?;
    // The server also refuses a login without a certificate.
    let fixture = server.fixture().await?;
    let stranger = Certs::new()?.client(&name)?;
    for client in [tls_client(server)?.build()?, super::cert::with_identity(server, &stranger)?] {
        refused(&fixture, &Auth::new(client, Certificate::new(None)), Http::LoginRefused).await;
    }
    Ok(())
}

#[tokio::test]
async fn userpass_conforms() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = with_short_leases(server).await?;
    let (mount, password) = (mounted(server, "userpass").await?, secret("password"));
    let user = role(&fixture, json!({ "password": password }));
    server.must("POST", &format!("auth/{mount}/users/gateway"), user).await?;
    let make = move |password: &str| -> Result<Userpass> {
        let user = Userpass::new(ApiPath::parse("gateway")?, value(password));
        Ok(user.mount(ApiPath::parse(&mount)?))
    };
    let bad = make(&secret("wrong"))?;
    let client = client(server.address())?;
    Case::new(fixture, client, move || make(&password), bad).conforms().await
}

#[tokio::test]
async fn ldap_conforms() -> Result<()> {
    let server = Server::with_methods().await?;
    if server.skips_unless(Flavor::Vault) {
        return Ok(());
    }
    let (fixture, directory) = (server.fixture().await?, Directory::start().await?);
    let (mount, password) = (mounted(server, "ldap").await?, secret("password"));
    directory.set_password("cn=gateway,dc=example", &password);
    let settings = json!({
        "url": directory.url(), "userdn": "dc=example", "userattr": "cn",
        "username_as_alias": true,
    });
    server.must("POST", &format!("auth/{mount}/config"), role(&fixture, settings)).await?;
    let make = move |password: &str| -> Result<Ldap> {
        let user = Ldap::new(ApiPath::parse("gateway")?, value(password));
        Ok(user.mount(ApiPath::parse(&mount)?))
    };
    let bad = make(&secret("wrong"))?;
    let client = client(server.address())?;
    Case::new(fixture, client, move || make(&password), bad).conforms().await
}

/// Temporary credentials, and a server that requires the signed header with its ID.
#[tokio::test]
async fn aws_iam_conforms() -> Result<()> {
    let server = Server::with_methods().await?;
    if server.skips_unless(Flavor::Vault) {
        return Ok(());
    }
    let (fixture, sts) = (server.fixture().await?, Sts::start().await?);
    let mount = mounted(server, "aws").await?;
    let (id, key, token) = ("AKIAGATEWAY", secret("key"), secret("session"));
    let arn = sts.add_key("gateway", id, &key, Some(&token));
    let config = json!({
        "sts_endpoint": sts.url(), "sts_region": "eu-west-1",
        "iam_server_id_header_value": "vault.example.com",
    });
    server.must("POST", &format!("auth/{mount}/config/client"), config).await?;
    let settings = json!({
        "auth_type": "iam", "bound_iam_principal_arn": [arn], "resolve_aws_unique_ids": false,
    });
    server.must("POST", &format!("auth/{mount}/role/gateway"), role(&fixture, settings)).await?;
    let make = move |key: &str, server_id: &str| -> Result<AwsIam> {
        let credentials = AwsCredentials::new(id, key.into()).session_token((&*token).into());
        let method = AwsIam::new("gateway", credentials).region("eu-west-1").server_id(server_id);
        Ok(method.mount(ApiPath::parse(&mount)?))
    };
    let client = client(server.address())?;
    // A login for another server is refused. The default role is that with the user's name.
    let for_another = Auth::new(client.clone(), make(&key, "vault.example.org")?);
    refused(&fixture, &for_another, Http::LoginRefused).await;
    let by_name = make(&key, "vault.example.com")?.default_role();
    logs_in(&fixture, &Auth::new(client.clone(), by_name)).await?;
    let bad = make(&secret("wrong"), "vault.example.com")?;
    let good = move || make(&key, "vault.example.com");
    Case::new(fixture, client, good, bad).conforms().await
}

/// Enables the JWT method with a role `gateway`, and returns its mount and the signing key.
async fn jwt_mount(server: &Server, fixture: &Fixture) -> Result<(ApiPath, KeyPair)> {
    let (mount, key) = (mounted(server, "jwt").await?, KeyPair::generate_for(&PKCS_ED25519)?);
    let config = json!({
        "jwt_validation_pubkeys": [key.public_key_pem()],
        "jwt_supported_algs": ["EdDSA"],
    });
    server.must("POST", &format!("auth/{mount}/config"), config).await?;
    let settings = json!({ "role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"] });
    server.must("POST", &format!("auth/{mount}/role/gateway"), role(fixture, settings)).await?;
    Ok((ApiPath::parse(&mount)?, key))
}

#[tokio::test]
async fn jwt_conforms() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = with_short_leases(server).await?;
    let (mount, key) = jwt_mount(server, &fixture).await?;
    let make = move |audience: &str| -> Result<Jwt> {
        let token = jwt(&key, &claims(audience, 4_102_444_800))?;
        Ok(Jwt::new("gateway", value(&token)).mount(mount.clone()))
    };
    let bad = make("somebody-else")?;
    let client = client(server.address())?;
    Case::new(fixture, client, move || make("vault"), bad).conforms().await
}

/// The server of these tests is built without the Kubernetes method. The JWT method accepts the
/// same request with the same token.
#[tokio::test]
async fn kubernetes_service_account_conforms() -> Result<()> {
    let server = Server::shared().await?;
    let (fixture, files) = (with_short_leases(server).await?, Files::new()?);
    let (mount, key) = jwt_mount(server, &fixture).await?;
    let token = |name: &str, audience: &str| -> Result<Credential> {
        let mut claims = claims(audience, 4_102_444_800);
        claims["sub"] = "system:serviceaccount:default:gateway".into();
        Ok(Credential::File(files.write(name, &jwt(&key, &claims)?)?))
    };
    let (good, bad) = (token("good", "vault")?, token("bad", "somebody-else")?);
    let make = move |token: Credential| Jwt::kubernetes("gateway", token).mount(mount.clone());
    let bad = make(bad);
    let client = client(server.address())?;
    Case::new(fixture, client, move || Ok(make(good.clone())), bad).conforms().await
}

#[tokio::test]
async fn looked_up_token_conforms() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let token = fixture.token(json!({ "ttl": "4s", "renewable": true })).await?;
    let good = move || Ok(StaticToken::new(value(&token)).with_lookup());
    let bad = StaticToken::new(value(&secret("no-token"))).with_lookup();
    let client = client(fixture.server().address())?;
    let case = Case::new(fixture, client, good, bad);
    Case { own: false, ..case }.conforms().await
}
