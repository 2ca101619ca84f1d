//! What a test has for itself on a shared server: a mount, a policy and a role.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::flavor::Flavor;
use crate::km::Km;
use crate::leaks::{Watch, secret, watch};
use crate::server::{Access, Server, within};
use crate::unique::unique;

/// The default AppRole mount.
const SHARED_AUTH: &str = "approle";

/// The engine at a fixture's mount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Engine {
    /// KV version 2.
    #[default]
    V2,
    /// KV version 1, which the product rejects.
    V1,
}

/// What to create. The default is a KV v2 mount in the root namespace with full access.
#[derive(Debug, Default)]
pub struct FixtureSpec {
    /// The engine.
    pub engine: Engine,
    /// The namespace of the mount, such as `teams/team-a`. `OpenBao` creates it and its parents; on
    /// Vault it is the head of the mount's path.
    pub under: Option<String>,
    /// The namespace of the policy, the role and the AppRole mount, which is created too. The
    /// default is the root namespace, which is also what is used on Vault: its community edition
    /// ignores the namespace of a login.
    pub login_namespace: Option<String>,
    /// The policy's rules for a mount (HCL), in place of full access. The mount is given as a path
    /// in the namespace of the policy.
    pub policy: Option<fn(&str) -> String>,
    /// Additional settings of the role, such as `{"token_ttl": "2s"}`.
    pub role: Option<Value>,
    /// A mount of AppRole other than `approle`. It is enabled for this fixture.
    pub auth_mount: Option<String>,
}

/// A mount, a policy and a role of one test. Dropping it fails the test if a secret was logged.
#[derive(Debug)]
pub struct Fixture {
    server: Access,
    /// Whether the server continues to run after the tests.
    stays: bool,
    /// The path of the mount from the root namespace: the namespace and the mount's own path.
    pub mount: String,
    /// The namespace of the mount; empty is the root namespace.
    pub namespace: String,
    /// The namespace of the policy, the role and the AppRole mount; empty is the root namespace.
    pub login_namespace: String,
    /// The name of the policy.
    pub policy: String,
    /// The name of the AppRole role.
    pub role: String,
    /// The mount of the AppRole method.
    pub auth_mount: String,
    /// The role ID.
    pub role_id: String,
    /// A secret ID of the role, which contains the mark.
    pub secret_id: String,
    /// The log capture.
    pub watch: Watch,
}

impl Server {
    /// Creates a KV v2 mount, a policy with full access to it, and an AppRole role.
    ///
    /// # Errors
    /// The server rejects a request.
    pub async fn fixture(&self) -> Result<Fixture> {
        self.fixture_with(FixtureSpec::default()).await
    }

    /// Creates a fixture as specified.
    ///
    /// # Errors
    /// The server rejects a request.
    pub async fn fixture_with(&self, spec: FixtureSpec) -> Result<Fixture> {
        let name = format!("km-test-{}", unique());
        let namespace = spec.under.unwrap_or_default();
        let login_namespace = match self.flavor() {
            Flavor::Vault => String::new(),
            Flavor::OpenBao => spec.login_namespace.unwrap_or_default(),
        };
        let mount = self.mount_in(&namespace, &format!("kv-{name}"), spec.engine).await?;
        self.create_namespace(&login_namespace).await?;
        let seen = mount.strip_prefix(&within(&login_namespace, "")).unwrap_or(&mount);
        let rules = spec.policy.map_or_else(|| full_rights(seen), |policy| policy(seen));
        let policy = within(&login_namespace, &format!("sys/policies/acl/{name}"));
        self.must("PUT", &policy, json!({ "policy": rules })).await?;
        let auth_mount = spec.auth_mount.unwrap_or_else(|| SHARED_AUTH.to_owned());
        let (role_id, secret_id) =
            self.approle((&login_namespace, &auth_mount), &name, spec.role).await?;
        Ok(Fixture {
            server: Access::clone(self),
            stays: self.is_elsewhere(),
            mount,
            namespace,
            login_namespace,
            policy: name.clone(),
            role: name,
            auth_mount,
            role_id,
            secret_id,
            watch: watch(),
        })
    }

    /// Mounts an engine and waits until it is ready. The mount belongs to no fixture: on a server
    /// that continues to run, it stays.
    ///
    /// # Errors
    /// The server rejects a request.
    pub async fn mount(&self, mount: &str, engine: Engine) -> Result<()> {
        self.mount_in("", mount, engine).await.map(drop)
    }

    /// Like [`Server::mount`], in a namespace, which is created. Returns the path of the mount from
    /// the root namespace.
    ///
    /// # Errors
    /// The server rejects a request.
    pub async fn mount_in(&self, namespace: &str, name: &str, engine: Engine) -> Result<String> {
        self.create_namespace(namespace).await?;
        let mount = within(namespace, name);
        let version = if engine == Engine::V1 { "1" } else { "2" };
        let body = json!({ "type": "kv", "options": { "version": version } });
        self.must("POST", &self.mounts_path(namespace, name), body).await?;
        if engine == Engine::V2 {
            // A new v2 mount responds with 400 for a moment while it is being set up.
            self.until_ok(&format!("{mount}/config")).await?;
        }
        Ok(mount)
    }

    async fn approle(
        &self,
        (namespace, at): (&str, &str),
        role: &str,
        settings: Option<Value>,
    ) -> Result<(String, String)> {
        // Another test may enable it at the same time. What matters is that the role can be
        // written.
        let enable = within(namespace, &format!("sys/auth/{at}"));
        self.api("POST", &enable, json!({ "type": "approle" })).await?;
        let mut body = json!({ "token_policies": role });
        if let (Some(body), Some(Value::Object(settings))) = (body.as_object_mut(), settings) {
            body.extend(settings);
        }
        let path = within(namespace, &format!("auth/{at}/role/{role}"));
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
    /// Returns the server.
    pub fn server(&self) -> &Access {
        &self.server
    }

    /// Returns the path of the mount in its namespace.
    pub fn mount_in_namespace(&self) -> &str {
        let head = within(&self.namespace, "");
        self.mount.strip_prefix(&head).unwrap_or(&self.mount)
    }

    /// Stores fields under a name with the root token. Returns the `data` of the response.
    ///
    /// # Errors
    /// The server rejects the request.
    pub async fn put(&self, name: &str, fields: Value) -> Result<Value> {
        let path = format!("{}/data/{name}", self.mount);
        let mut answer = self.server.must("POST", &path, json!({ "data": fields })).await?;
        Ok(answer.pointer_mut("/data").map(Value::take).unwrap_or_default())
    }

    /// Reads a name with the root token. Returns status and body.
    ///
    /// # Errors
    /// There is no response.
    pub async fn get(&self, name: &str) -> Result<(u16, Value)> {
        self.server.api("GET", &format!("{}/data/{name}", self.mount), None).await
    }

    /// Creates a token with the fixture's policy. `settings` are those of the token, such as
    /// `{"ttl": "5s", "num_uses": 1}`.
    ///
    /// # Errors
    /// The server rejects the request.
    pub async fn token(&self, settings: Value) -> Result<String> {
        let mut body = json!({ "policies": [self.policy], "no_default_policy": false });
        if let (Some(body), Value::Object(settings)) = (body.as_object_mut(), settings) {
            body.extend(settings);
        }
        let path = within(&self.login_namespace, "auth/token/create");
        let answer = self.server.must("POST", &path, body).await?;
        text(&answer, "/auth/client_token")
    }

    /// Logs in by AppRole with the plain client and returns the token.
    ///
    /// # Errors
    /// The login is refused.
    pub async fn login(&self) -> Result<String> {
        let body = json!({ "role_id": self.role_id, "secret_id": self.secret_id });
        let path = format!("auth/{}/login", self.auth_mount);
        self.server.raw().login_at(&within(&self.login_namespace, &path), body).await
    }

    /// Returns `km` with this fixture's address, mount and AppRole in its environment.
    pub fn km(&self) -> Km {
        let km = Km::new();
        let km = if self.login_namespace.is_empty() {
            km
        } else {
            km.env("HCP_VAULT_LOGIN_NAMESPACE", &self.login_namespace)
        };
        km.env("HCP_VAULT_ADDR", self.server.address())
            .env("HCP_VAULT_MOUNT_NAME", &self.mount)
            .env("HCP_VAULT_APPROLE_MOUNT_PATH", &self.auth_mount)
            .env("HCP_VAULT_APPROLE_ROLE_ID", &self.role_id)
            .env("HCP_VAULT_APPROLE_SECRET_ID", &self.secret_id)
    }
}

impl Drop for Fixture {
    /// Removes the fixture from a server that continues to run.
    fn drop(&mut self) {
        if !self.stays {
            return;
        }
        let server = self.server.clone();
        let own_auth = format!("sys/auth/{}", self.auth_mount);
        let role = format!("auth/{}/role/{}", self.auth_mount, self.role);
        let access = if self.auth_mount == SHARED_AUTH { role } else { own_auth };
        let paths = [
            server.mounts_path(&self.namespace, self.mount_in_namespace()),
            within(&self.login_namespace, &access),
            within(&self.login_namespace, &format!("sys/policies/acl/{}", self.policy)),
        ];
        let clean = move || clean(&server, &paths);
        // Best effort, on a thread of its own, because this function cannot wait.
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
