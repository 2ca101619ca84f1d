//! Namespaces of OpenBao. In the community edition of Vault a namespace is the head of a mount's
//! path, which `cli`, `adapter` and `serve` cover on both servers.

mod check;
mod lifecycle;
mod login;
mod policy;
mod teams;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use testkit::{Access, Fixture, FixtureSpec, Km, Server, unique};

/// Returns a namespace below `parent` that no other test uses, and creates it.
async fn namespace_below(server: &Server, parent: &str) -> Result<String> {
    let namespace = join(parent, &format!("ns-{}", unique()));
    server.create_namespace(&namespace).await?;
    Ok(namespace)
}

/// Returns a path in a namespace. The root namespace is empty.
pub(crate) fn join(namespace: &str, path: &str) -> String {
    if namespace.is_empty() { path.to_owned() } else { format!("{namespace}/{path}") }
}

/// Creates a fixture with a login in one namespace and a mount in another.
async fn fixture(server: &Server, login: &str, secrets: &str) -> Result<Fixture> {
    let spec = FixtureSpec {
        under: (!secrets.is_empty()).then(|| secrets.to_owned()),
        login_namespace: (!login.is_empty()).then(|| login.to_owned()),
        ..FixtureSpec::default()
    };
    server.fixture_with(spec).await
}

/// Returns `km` with the settings of a namespace in place of a mount with a longer path.
fn km(fixture: &Fixture) -> Km {
    fixture
        .km()
        .env("HCP_VAULT_MOUNT_NAME", fixture.mount_in_namespace())
        .env("HCP_VAULT_LOGIN_NAMESPACE", &fixture.login_namespace)
        .env("HCP_VAULT_SECRET_NAMESPACE", &fixture.namespace)
}

/// Writes a policy in a namespace, and returns a token that was issued there with this policy and no
/// other, not even `default`.
pub(crate) async fn token_with(server: &Access, namespace: &str, policy: &str) -> Result<String> {
    let name = format!("policy-{}", unique());
    let path = join(namespace, &format!("sys/policies/acl/{name}"));
    server.must("PUT", &path, json!({ "policy": policy })).await?;
    let body = json!({ "policies": [name], "no_default_policy": true, "ttl": "1h" });
    let answer = server.must("POST", &join(namespace, "auth/token/create"), body).await?;
    let token = answer.pointer("/auth/client_token").and_then(Value::as_str);
    Ok(token.context("no token in the response")?.to_owned())
}
