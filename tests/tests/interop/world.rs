//! Mounts on the server with their content, and a gateway's settings for both programs.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use testkit::{Access, Engine, Fixture, Km, LiteLlm, Server, encoded};

/// Every document below the mounts: its data and version by path. A deleted one has no data.
pub(crate) type Stored = BTreeMap<String, Value>;

/// Mounts of one test, and the environment of a program that uses them.
pub(crate) struct World {
    pub(crate) access: Access,
    pub(crate) env: Vec<(&'static str, String)>,
    mounts: Vec<String>,
    _place: Place,
}

#[expect(dead_code, reason = "kept for as long as the place is used")]
enum Place {
    Fixture(Box<Fixture>),
    Server(Box<Server>),
}

/// The configuration in LiteLLM's terms, passed unchanged to both programs.
pub(crate) struct Gateway<'a> {
    world: &'a World,
    settings: Value,
    /// The team's `secret_manager_settings`.
    team: Option<Value>,
    config: NamedTempFile,
    /// The address of `km serve`, if LiteLLM uses the class of this project.
    km_serve: Option<String>,
}

impl World {
    /// Creates a mount on the shared server, and a login by AppRole.
    pub(crate) async fn new() -> Result<Self> {
        Ok(Self::on(Server::shared().await?.fixture().await?))
    }

    /// Uses a fixture's mount, and a login by its AppRole.
    pub(crate) fn on(fixture: Fixture) -> Self {
        let env = vec![
            ("HCP_VAULT_ADDR", fixture.server().address().to_owned()),
            ("HCP_VAULT_MOUNT_NAME", fixture.mount.clone()),
            ("HCP_VAULT_APPROLE_MOUNT_PATH", fixture.auth_mount.clone()),
            ("HCP_VAULT_APPROLE_ROLE_ID", fixture.role_id.clone()),
            ("HCP_VAULT_APPROLE_SECRET_ID", fixture.secret_id.clone()),
        ];
        let (access, mounts) = (fixture.server().clone(), vec![fixture.mount.clone()]);
        Self { access, env, mounts, _place: Place::Fixture(Box::new(fixture)) }
    }

    /// Starts a server for this test with these mounts in addition to `secret`, and logs in with
    /// its root token.
    pub(crate) async fn with_mounts(mounts: &[&str]) -> Result<Self> {
        let server = Server::dev_alone().await?;
        for mount in mounts {
            server.mount(mount, Engine::V2).await?;
        }
        let mounts = mounts.iter().chain(&["secret"]).map(|&mount| mount.to_owned()).collect();
        let access = Access::clone(&server);
        let env = vec![
            ("HCP_VAULT_ADDR", access.address().to_owned()),
            ("HCP_VAULT_TOKEN", access.root_token().to_owned()),
        ];
        Ok(Self { access, env, mounts, _place: Place::Server(Box::new(server)) })
    }

    /// The first mount.
    pub(crate) fn mount(&self) -> &str {
        self.mounts.first().map_or("", String::as_str)
    }

    /// Adds a variable.
    pub(crate) fn env(mut self, name: &'static str, value: &str) -> Self {
        self.env.retain(|(kept, _)| *kept != name);
        self.env.push((name, value.to_owned()));
        self
    }

    /// A gateway that stores virtual keys; `more` are further `key_management_settings`.
    pub(crate) fn gateway(&self, more: Value, team: Option<Value>) -> Result<Gateway<'_>> {
        let mut settings = json!({ "store_virtual_keys": true, "access_mode": "read_and_write" });
        if let (Some(settings), Value::Object(more)) = (settings.as_object_mut(), more) {
            settings.extend(more);
            settings.retain(|_, value| !value.is_null());
        }
        let mut config = NamedTempFile::new()?;
        // JSON is YAML.
        let whole = json!({ "general_settings": {
            "key_management_system": "hashicorp_vault",
            "key_management_settings": settings,
        }});
        config.write_all(whole.to_string().as_bytes())?;
        Ok(Gateway { world: self, settings, team, config, km_serve: None })
    }

    /// Returns everything that is stored, read with a plain client.
    pub(crate) async fn stored(&self) -> Result<Stored> {
        let mut stored = Stored::new();
        let mut folders: Vec<_> = self.mounts.iter().map(|mount| (mount, String::new())).collect();
        while let Some((mount, folder)) = folders.pop() {
            let path = format!("{mount}/metadata/{}", encoded(&folder));
            let (status, names) = self.access.api("LIST", &path, None).await?;
            ensure!(status == 200 || status == 404, "LIST {path}: {status} {names}");
            let names = names.pointer("/data/keys").and_then(Value::as_array);
            for name in names.into_iter().flatten().filter_map(Value::as_str) {
                let name = format!("{folder}{name}");
                if name.ends_with('/') {
                    folders.push((mount, name));
                } else {
                    stored
                        .insert(format!("{mount}/data/{name}"), self.document(mount, &name).await?);
                }
            }
        }
        Ok(stored)
    }

    async fn document(&self, mount: &str, name: &str) -> Result<Value> {
        let path = format!("{mount}/data/{}", encoded(name));
        let answer = self.access.api("GET", &path, None).await?.1;
        let version = answer.pointer("/data/metadata/version");
        let version = version.with_context(|| format!("{path}: {answer}"))?;
        Ok(match &answer["data"]["data"] {
            Value::Null => json!({ "deleted": version }),
            data => json!({ "data": data, "version": version }),
        })
    }

    /// Removes everything, with all versions.
    pub(crate) async fn wipe(&self) -> Result<()> {
        for path in self.stored().await?.keys() {
            let (mount, name) = path.split_once("/data/").context("no path of a document")?;
            let path = format!("{mount}/metadata/{}", encoded(name));
            self.access.must("DELETE", &path, None).await?;
        }
        Ok(())
    }
}

impl Gateway<'_> {
    /// Makes LiteLLM use the `km serve` at this address.
    pub(crate) fn through(self, km_serve: &str) -> Self {
        Self { km_serve: Some(km_serve.to_owned()), ..self }
    }

    /// Returns the program with these settings, without a team.
    pub(crate) fn program(&self) -> Km {
        let mut km = Km::new().args(["--config"]).args([self.config.path()]);
        for (name, value) in &self.world.env {
            km = km.env(name, value);
        }
        km
    }

    /// Returns the program with these settings and this team's.
    pub(crate) fn km(&self) -> Km {
        let km = self.program();
        match &self.team {
            Some(team) => km.args(["--team-settings".to_owned(), team.to_string()]),
            None => km,
        }
    }

    /// Runs one operation of the driver with these settings.
    pub(crate) async fn litellm(&self, operation: &str, arguments: Value) -> Result<Value> {
        let mut request = arguments;
        request["op"] = operation.into();
        request["env"] = json!(self.world.env.iter().cloned().collect::<BTreeMap<_, _>>());
        request["settings"] = self.settings.clone();
        if let Some(km_serve) = &self.km_serve {
            request["km_serve"] = km_serve.as_str().into();
        }
        if let Some(team) = &self.team {
            request["team"] = json!({ "secret_manager_settings": team });
        }
        LiteLlm::shared()?.call(request).await
    }

    /// The mounts of the gateway.
    pub(crate) fn world(&self) -> &World {
        self.world
    }
}
