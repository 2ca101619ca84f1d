//! A team's virtual key at the location of LiteLLM's example: stored, rotated, renamed and deleted.
//! Each step is verified with the command line of the server and plain HTTP.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::{Km, Output, Server, unique};

use crate::operator::Gateway;
use crate::show::{self, claim, heading, text};

const TEAM: &str = r#"{"namespace": "teams/team-a", "mount": "kv-prod", "path_prefix": "virtual-keys", "data": "password"}"#;
const MOUNT: &str = "teams/team-a/kv-prod";
const FOLDER: &str = "virtual-keys/litellm";

struct Demo<'a> {
    server: &'a Server,
    gateway: &'a Gateway,
}

pub(crate) async fn virtual_keys(server: &Server, gateway: &Gateway) -> Result<()> {
    let demo = Demo { server, gateway };
    demo.set_up().await?;
    demo.store_and_rotate().await?;
    demo.rename_and_delete().await?;
    demo.is_denied_elsewhere().await
}

impl Demo<'_> {
    async fn set_up(&self) -> Result<()> {
        heading("Set up a mount for a team");
        let path = format!("-path={MOUNT}");
        let enable = ["secrets", "enable", &path, "-version=2", "kv"];
        show::command(&format!("{} {}", self.server.flavor().program(), enable.join(" ")));
        self.server.cli(&enable).await?;
        // A new mount is briefly unavailable while Vault initializes it.
        self.server.until_ok(&format!("{MOUNT}/config")).await?;
        text(TEAM);
        let policy = self.km(&["check", "--policy"], "").await?.expect(0)?;
        text(policy.text()?);
        self.server.cli_with_input(&["policy", "write", "gateway", "-"], policy.text()?).await?;
        claim("the gateway now has exactly the policy that km check --policy prints");
        Ok(())
    }

    async fn store_and_rotate(&self) -> Result<()> {
        heading("Store and rotate a virtual key of the team");
        self.key(&["key", "store", "search", "--explain"], "").await?;
        let value = format!("sk-virtual-{}", unique());
        self.key(&["key", "store", "search"], &value).await?;
        self.holds("search", &value).await?;
        claim("the command line and plain HTTP return the value from the team's field and path");
        let value = format!("sk-virtual-{}", unique());
        self.key(&["key", "rotate", "search"], &value).await?;
        self.holds("search", &value).await?;
        claim("both return the new value");
        let again = self.key(&["key", "rotate", "search"], &value).await?;
        ensure!(again.text()?.ends_with("version 2\n"), "a second run created another version");
        claim("the same command again changes nothing: the version is still 2");
        Ok(())
    }

    async fn rename_and_delete(&self) -> Result<()> {
        heading("Rename and delete the key");
        let value = self.key(&["key", "read", "search"], "").await?.text()?.to_owned();
        self.key(&["key", "rename", "search", "search-eu"], "").await?;
        self.holds("search-eu", &value).await?;
        self.is_gone("search").await?;
        claim("the new name has the value, the old one is deleted");
        self.key(&["key", "delete", "search-eu"], "").await?;
        self.is_gone("search-eu").await?;
        claim("its latest version has a deletion time in Vault");
        Ok(())
    }

    async fn is_denied_elsewhere(&self) -> Result<()> {
        heading("Denied operations");
        let read_only = self.program(&["key", "delete", "search"]);
        let read_only =
            read_only.env_remove("KM_STORE_VIRTUAL_KEYS").env("KM_ACCESS_MODE", "read_only");
        show::command("KM_ACCESS_MODE=read_only km key delete search");
        let denied = read_only.run().await?.expect(5)?;
        text(denied.stderr.trim());
        claim("a read_only gateway is denied (exit 5) before any request");
        let elsewhere = r#"{"mount": "kv-other"}"#;
        let denied =
            self.km(&["key", "store", "search", "--team-settings", elsewhere], "sk").await?;
        text(denied.expect(5)?.stderr.trim());
        claim("so is a team location that KM_ALLOWED_TEAM_LOCATIONS does not allow");
        Ok(())
    }

    /// Runs `km key …` with the team's settings.
    async fn key(&self, arguments: &[&str], value: &str) -> Result<Output> {
        let output = self.km(&[arguments, &["--team-settings", TEAM]].concat(), value).await?;
        let output = output.expect(0)?;
        let is_value = arguments.contains(&"read");
        text(if is_value { "(the value)" } else { output.text()?.trim() });
        Ok(output)
    }

    async fn km(&self, arguments: &[&str], value: &str) -> Result<Output> {
        let shown: Vec<_> =
            arguments.iter().map(|word| if *word == TEAM { "@team.json" } else { word }).collect();
        show::command(&format!("km {}", shown.join(" ")));
        self.program(arguments).stdin(value).run().await
    }

    fn program(&self, arguments: &[&str]) -> Km {
        let block = self.gateway.env_block.lines().filter_map(|line| line.split_once('='));
        let program = block.fold(Km::new(), |km, (name, value)| km.env(name, value));
        let program = program.env("KM_STORE_VIRTUAL_KEYS", "true");
        let program = program.env("KM_ACCESS_MODE", "read_and_write");
        program.env("KM_ALLOWED_TEAM_LOCATIONS", "teams/*/kv-prod").args(arguments)
    }

    async fn holds(&self, alias: &str, value: &str) -> Result<()> {
        let (mount, path) = (format!("-mount={MOUNT}"), format!("{FOLDER}/{alias}"));
        let stdout = self.server.cli(&["kv", "get", &mount, "-field=password", &path]).await?;
        ensure!(stdout.trim_end_matches('\n') == value, "the command line returned another value");
        let (status, response) = self.stored(alias).await?;
        let same = response.pointer("/data/data/password").and_then(Value::as_str) == Some(value);
        ensure!(status == 200 && same, "plain HTTP: status {status} or another value");
        Ok(())
    }

    async fn is_gone(&self, alias: &str) -> Result<()> {
        let (status, response) = self.stored(alias).await?;
        let time = response.pointer("/data/metadata/deletion_time").and_then(Value::as_str);
        ensure!(
            status == 404 && !time.context("no metadata")?.is_empty(),
            "{alias} is not deleted"
        );
        Ok(())
    }

    async fn stored(&self, alias: &str) -> Result<(u16, Value)> {
        self.server.api("GET", &format!("{MOUNT}/data/{FOLDER}/{alias}"), None).await
    }
}
