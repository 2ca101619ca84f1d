//! What one test has to itself on a shared server: a mount, a policy, a role.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::km::Km;
use crate::leaks::{Watch, secret, watch};
use crate::server::{Access, Server};
use crate::unique::unique;

/// The AppRole mount of all fixtures that don't ask for their own.
const SHARED_AUTH: &str = "approle";

/// The engine at a fixture's mount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Engine {
    /// KV version 2.
    #[default]
    V2,
    /// KV version 1, which the product refuses.
    V1,
}

/// What to make. `FixtureSpec::default()` is a KV v2 mount at the root with full rights.
#[derive(Debug, Default)]
pub struct FixtureSpec {
    /// The engine.
    pub engine: Engine,
    /// Segments above the mount, as in `teams/team-a`: where a namespace would stand.
    pub under: Option<String>,
    /// The policy's rules for a mount (HCL), instead of full rights.
    pub policy: Option<fn(&str) -> String>,
    /// Settings of the role, as in `{"token_ttl": "2s"}`, beside its policy.
    pub role: Option<Value>,
    /// Where the AppRole method is mounted instead of `approle`; enabled for this fixture.
    pub auth_mount: Option<String>,
}

/// One test's own place. Dropping it fails the test when a secret was logged meanwhile.
#[derive(Debug)]
pub struct Fixture {
    server: Access,
    /// Whether the server stays when the tests are over.
    stays: bool,
    /// The mount's path, its namespace-like head included.
    pub mount: String,
    /// The name of its policy.
    pub policy: String,
    /// The name of its AppRole role.
    pub role: String,
    /// Where the AppRole method is mounted.
    pub auth_mount: String,
    /// The role's id.
    pub role_id: String,
    /// A secret id of the role, planted.
    pub secret_id: String,
    /// Watches the log.
    pub watch: Watch,
}

impl Server {
    /// A KV v2 mount, a policy with full rights on it, and an AppRole role.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn fixture(&self) -> Result<Fixture> {
        self.fixture_with(FixtureSpec::default()).await
    }

    /// The same, made to measure.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn fixture_with(&self, spec: FixtureSpec) -> Result<Fixture> {
        let name = format!("km-test-{}", unique());
        let own_mount = format!("kv-{name}");
        let mount = spec.under.map_or(own_mount.clone(), |under| format!("{under}/{own_mount}"));
        self.mount(&mount, spec.engine).await?;
        let rules = spec.policy.map_or_else(|| full_rights(&mount), |policy| policy(&mount));
        self.must("PUT", &format!("sys/policies/acl/{name}"), json!({ "policy": rules })).await?;
        let auth_mount = spec.auth_mount.unwrap_or_else(|| SHARED_AUTH.to_owned());
        let (role_id, secret_id) = self.approle(&auth_mount, &name, spec.role).await?;
        Ok(Fixture {
            server: Access::clone(self),
            stays: self.is_elsewhere(),
            mount,
            policy: name.clone(),
            role: name,
            auth_mount,
            role_id,
            secret_id,
            watch: watch(),
        })
    }

    /// Mounts an engine, and waits until it is there. It is nobody's: where the server stays, it does.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn mount(&self, mount: &str, engine: Engine) -> Result<()> {
        let version = if engine == Engine::V1 { "1" } else { "2" };
        let body = json!({ "type": "kv", "options": { "version": version } });
        self.must("POST", &format!("sys/mounts/{mount}"), body).await?;
        if engine == Engine::V2 {
            // A fresh v2 mount answers 400 for a moment, while it sets itself up.
            self.until_ok(&format!("{mount}/config")).await?;
        }
        Ok(())
    }

    async fn approle(
        &self,
        at: &str,
        role: &str,
        settings: Option<Value>,
    ) -> Result<(String, String)> {
        // Somebody else may enable it meanwhile: what counts is that the role can be written.
        self.api("POST", &format!("sys/auth/{at}"), json!({ "type": "approle" })).await?;
        let mut body = json!({ "token_policies": role });
        if let (Some(body), Some(Value::Object(settings))) = (body.as_object_mut(), settings) {
            body.extend(settings);
        }
        let path = format!("auth/{at}/role/{role}");
        self.must("POST", &path, body).await?;
        let answer = self.must("GET", &format!("{path}/role-id"), None).await?;
        let role_id = text(&answer, "/data/role_id")?;
        let secret_id = secret("secret-id");
        self.must("POST", &format!("{path}/custom-secret-id"), json!({ "secret_id": secret_id }))
            .await?;
        Ok((role_id, secret_id))
    }
}

impl Fixture {
    /// The server it is on.
    pub fn server(&self) -> &Access {
        &self.server
    }

    /// Stores fields at a name, by the root token: the answer's `data`.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn put(&self, name: &str, fields: Value) -> Result<Value> {
        let path = format!("{}/data/{name}", self.mount);
        let mut answer = self.server.must("POST", &path, json!({ "data": fields })).await?;
        Ok(answer.pointer_mut("/data").map(Value::take).unwrap_or_default())
    }

    /// What is stored at a name, by the root token: status and whole answer.
    ///
    /// # Errors
    /// No answer.
    pub async fn get(&self, name: &str) -> Result<(u16, Value)> {
        self.server.api("GET", &format!("{}/data/{name}", self.mount), None).await
    }

    /// A token with the fixture's policy; `settings` as in `{"ttl": "5s", "num_uses": 1}`.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn token(&self, settings: Value) -> Result<String> {
        let mut body = json!({ "policies": [self.policy], "no_default_policy": false });
        if let (Some(body), Value::Object(settings)) = (body.as_object_mut(), settings) {
            body.extend(settings);
        }
        let answer = self.server.must("POST", "auth/token/create", body).await?;
        text(&answer, "/auth/client_token")
    }

    /// A login by AppRole with the plain client: the token.
    ///
    /// # Errors
    /// The login is refused.
    pub async fn login(&self) -> Result<String> {
        let body = json!({ "role_id": self.role_id, "secret_id": self.secret_id });
        self.server.raw().login(&format!("{}/login", self.auth_mount), body).await
    }

    /// The `km` program with this fixture's address, mount and AppRole in its environment.
    pub fn km(&self) -> Km {
        Km::new()
            .env("HCP_VAULT_ADDR", self.server.address())
            .env("HCP_VAULT_MOUNT_NAME", &self.mount)
            .env("HCP_VAULT_APPROLE_MOUNT_PATH", &self.auth_mount)
            .env("HCP_VAULT_APPROLE_ROLE_ID", &self.role_id)
            .env("HCP_VAULT_APPROLE_SECRET_ID", &self.secret_id)
    }
}

impl Drop for Fixture {
    /// On a server that stays, nothing of ours does.
    fn drop(&mut self) {
        if !self.stays {
            return;
        }
        let server = self.server.clone();
        let own_auth = format!("sys/auth/{}", self.auth_mount);
        let role = format!("auth/{}/role/{}", self.auth_mount, self.role);
        let paths = [
            format!("sys/mounts/{}", self.mount),
            if self.auth_mount == SHARED_AUTH { role } else { own_auth },
            format!("sys/policies/acl/{}", self.policy),
        ];
        let clean = move || clean(&server, &paths);
        // Best effort, on a thread of its own: here is no place to wait in.
        let _ = std::thread::spawn(clean).join();
    }
}

fn clean(server: &Access, paths: &[String]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return };
    for path in paths {
        let _ = runtime.block_on(server.api("DELETE", path, None));
    }
}

fn full_rights(mount: &str) -> String {
    format!(
        r#"path "{mount}/*" {{ capabilities = ["create", "read", "update", "patch", "delete", "list"] }}"#
    )
}

fn text(answer: &Value, path: &str) -> Result<String> {
    let text = answer.pointer(path).and_then(Value::as_str);
    Ok(text.with_context(|| format!("no {path} in the answer"))?.to_owned())
}
