//! The policy that `km check --policy` prints is sufficient for everything that the settings
//! enable.

use anyhow::{Result, ensure};
use serde_json::json;
use testkit::{Fixture, FixtureSpec, Km, Output, Server, secret};

use super::sidecar::Sidecar;

/// A gateway whose token has the printed policy and no other, not even `default`.
struct Gateway {
    fixture: Fixture,
    settings: Vec<(&'static str, &'static str)>,
    token: String,
}

impl Gateway {
    async fn new(settings: &[(&'static str, &'static str)]) -> Result<Self> {
        let fixture = Server::shared().await?.fixture_with(FixtureSpec::default()).await?;
        let km = Km::new().env("HCP_VAULT_MOUNT_NAME", &fixture.mount);
        let km = settings.iter().fold(km, |km, (name, value)| km.env(name, value));
        let policy = km.args(["check", "--policy"]).run().await?.expect(0)?;
        let path = format!("sys/policies/acl/{}", fixture.policy);
        fixture.server().must("PUT", &path, json!({ "policy": policy.text()? })).await?;
        let token = fixture.token(json!({ "no_default_policy": true, "ttl": "1h" })).await?;
        Ok(Self { fixture, settings: settings.to_vec(), token })
    }

    fn km(&self) -> Km {
        let km = Km::new()
            .env("HCP_VAULT_ADDR", self.fixture.server().address())
            .env("HCP_VAULT_MOUNT_NAME", &self.fixture.mount)
            .env("HCP_VAULT_TOKEN", &self.token);
        self.settings.iter().fold(km, |km, (name, value)| km.env(name, value))
    }

    /// Runs a command. Fails unless it exits with 0.
    async fn run(&self, arguments: &[&str]) -> Result<Output> {
        self.km().args(arguments).stdin(secret("value")).run().await?.expect(0)
    }

    /// Sends the requests that every login sends for its own token.
    async fn use_token_endpoints(&self) -> Result<()> {
        let raw = self.fixture.server().raw();
        for (method, path) in [
            ("GET", "auth/token/lookup-self"),
            ("POST", "auth/token/renew-self"),
            ("POST", "auth/token/revoke-self"),
        ] {
            let (status, response) = raw.call(method, path, Some(&self.token), None).await?;
            ensure!((200..300).contains(&status), "{method} {path}: {status} {response}");
        }
        Ok(())
    }
}

const READS: [(&str, &str); 1] = [("KM_ACCESS_MODE", "read_only")];
const WRITES: [(&str, &str); 1] = [("KM_ACCESS_MODE", "write_only")];
const BOTH: [(&str, &str); 1] = [("KM_ACCESS_MODE", "read_and_write")];
const HOSTED: (&str, &str) = ("KM_HOSTED_KEYS", "A,B/C");
const PREFIX: (&str, &str) = ("HCP_VAULT_PATH_PREFIX", "gw/keys");
const STORES: (&str, &str) = ("KM_STORE_VIRTUAL_KEYS", "true");

/// Sends the requests of the Vault API for one secret, in an order in which all of them succeed.
async fn use_vault_api(gateway: &Gateway, folder: &str, name: &str, mode: &str) -> Result<()> {
    let sidecar = Sidecar::start(gateway.km(), &[]).await?;
    let (mount, reads, writes) =
        (&gateway.fixture.mount, mode != "write_only", mode != "read_only");
    let path = |of: &str| format!("/v1/{mount}/{of}/{folder}{name}");
    if writes {
        let fields = json!({ "data": { "key": secret("value") } });
        sidecar.call("POST", &path("data"), fields).await?.expect(200)?;
        let custom = json!({ "custom_metadata": { "owner": "me" } });
        sidecar.call("POST", &path("metadata"), custom).await?.expect(204)?;
    }
    if reads {
        sidecar.get(&path("data")).await?.expect(200)?;
        sidecar.get(&path("metadata")).await?.expect(200)?;
        let list = format!("/v1/{mount}/metadata/{folder}");
        sidecar.call("LIST", list.trim_end_matches('/'), None).await?.expect(200)?;
    }
    if writes {
        sidecar.call("DELETE", &path("data"), None).await?.expect(204)?;
        sidecar.call("DELETE", &path("metadata"), None).await?.expect(204)?;
    }
    sidecar.stop().await?;
    Ok(())
}

#[tokio::test]
async fn printed_policy_suffices_for_provider_keys() -> Result<()> {
    for (settings, folder) in [
        (READS.to_vec(), ""),
        (WRITES.to_vec(), ""),
        (BOTH.to_vec(), ""),
        ([&BOTH[..], &[PREFIX]].concat(), "gw/keys/"),
        ([&BOTH[..], &[PREFIX, HOSTED]].concat(), "gw/keys/"),
        ([&READS[..], &[HOSTED]].concat(), ""),
    ] {
        let gateway = Gateway::new(&settings).await?;
        let mode = settings.first().map_or("", |(_, mode)| *mode);
        gateway.run(&["check"]).await?;
        if mode == "read_only" {
            gateway.fixture.put("A", json!({ "key": secret("value") })).await?;
        } else {
            gateway.run(&["write", "A"]).await?;
            gateway.run(&["write", "A", "--cas", "1"]).await?;
        }
        if mode != "write_only" {
            gateway.run(&["read", "A"]).await?;
            gateway.run(&["exec", "--only", "A", "--", "true"]).await?;
            assert_eq!(gateway.run(&["list"]).await?.text()?, "A\n", "{settings:?}");
        }
        use_vault_api(&gateway, folder, "A", mode).await?;
        if mode != "read_only" {
            gateway.run(&["write", "B/C"]).await?;
            gateway.run(&["delete", "B/C"]).await?;
        }
        gateway.use_token_endpoints().await?;
    }
    Ok(())
}

#[tokio::test]
async fn printed_policy_suffices_for_a_mount_with_cas_required() -> Result<()> {
    for settings in [WRITES, BOTH] {
        let gateway = Gateway::new(&settings).await?;
        let config = format!("{}/config", gateway.fixture.mount);
        gateway.fixture.server().must("POST", &config, json!({ "cas_required": true })).await?;
        for _ in 0..2 {
            gateway.run(&["write", "A"]).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn printed_policy_suffices_for_virtual_keys() -> Result<()> {
    for settings in [
        [&BOTH[..], &[STORES]].concat(),
        [&WRITES[..], &[STORES]].concat(),
        [&BOTH[..], &[STORES, PREFIX, HOSTED]].concat(),
    ] {
        let gateway = Gateway::new(&settings).await?;
        let mode = settings.first().map_or("", |(_, mode)| *mode);
        gateway.run(&["check"]).await?;
        for arguments in [
            &["store", "alias"][..],
            &["read", "alias"],
            &["rotate", "alias"],
            &["rename", "alias", "folder/other"],
            &["list"],
            &["delete", "folder/other"],
        ] {
            if mode != "write_only" || !["read", "list"].contains(&arguments[0]) {
                gateway.run(&[&["key"], arguments].concat()).await?;
            }
        }
        let prefix = if settings.contains(&PREFIX) { "gw/keys/" } else { "" };
        use_vault_api(&gateway, &format!("{prefix}litellm/"), "alias", mode).await?;
        gateway.use_token_endpoints().await?;
    }
    Ok(())
}

#[tokio::test]
async fn printed_policy_suffices_for_team_keys() -> Result<()> {
    let spec = FixtureSpec { under: Some("teams/policies".to_owned()), ..FixtureSpec::default() };
    let team = Server::shared().await?.fixture_with(spec).await?;
    let allowed = ("KM_ALLOWED_TEAM_LOCATIONS", "teams/policies/*");
    let gateway = Gateway::new(&[BOTH[0], STORES, allowed]).await?;
    let mount = team.mount.trim_start_matches("teams/policies/");
    let settings = json!({ "namespace": "teams/policies", "mount": mount, "path_prefix": "vk" });
    for arguments in [
        &["store", "alias"][..],
        &["rotate", "alias"],
        &["rename", "alias", "other"],
        &["list"],
        &["delete", "other"],
    ] {
        let team = ["--team-settings", &settings.to_string()];
        gateway.run(&[&["key"], arguments, &team].concat()).await?;
    }
    Ok(())
}
