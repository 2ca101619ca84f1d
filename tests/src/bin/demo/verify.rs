//! Verification by plain HTTP and the server's command line, without code of the product.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testkit::Server;

use crate::operator::{Gateway, NAME};

pub(crate) struct Verifier<'a> {
    server: &'a Server,
    gateway: &'a Gateway,
}

impl<'a> Verifier<'a> {
    pub(crate) fn new(server: &'a Server, gateway: &'a Gateway) -> Self {
        Self { server, gateway }
    }

    /// Logs in without `km`, and verifies the capabilities of the token.
    pub(crate) async fn credentials_may_read(&self) -> Result<()> {
        let Gateway { role_id, secret_id, .. } = self.gateway;
        let body = json!({ "role_id": role_id, "secret_id": secret_id });
        let token = self.server.raw().login("approle/login", body).await?;
        let path = format!("secret/data/{NAME}");
        let body = json!({ "path": path });
        let raw = self.server.raw();
        let (status, response) =
            raw.call("POST", "sys/capabilities-self", Some(&token), body).await?;
        let capabilities = response.pointer("/data/capabilities").cloned().unwrap_or_default();
        let read = capabilities.as_array().is_some_and(|all| all.contains(&json!("read")));
        ensure!(status == 200 && read, "{path}: {status}, capabilities {capabilities}");
        Ok(())
    }

    pub(crate) async fn is_stored(&self, value: &str) -> Result<()> {
        let stdout = self.server.cli(&["kv", "get", "-mount=secret", "-field=key", NAME]).await?;
        ensure!(stdout.trim_end_matches('\n') == value, "the command line returned another value");
        let (status, response) = self.stored().await?;
        let same = response.pointer("/data/data/key").and_then(Value::as_str) == Some(value);
        ensure!(status == 200 && same, "plain HTTP: status {status} or another value");
        Ok(())
    }

    pub(crate) async fn is_deleted(&self) -> Result<()> {
        let (status, response) = self.stored().await?;
        let metadata = response.pointer("/data/metadata").cloned().unwrap_or_default();
        let deleted = metadata.pointer("/deletion_time").and_then(Value::as_str);
        ensure!(
            status == 404 && deleted.is_some_and(|time| !time.is_empty()),
            "{status} {metadata}"
        );
        let stdout = self.server.cli(&["kv", "get", "-mount=secret", "-field=key", NAME]).await;
        ensure!(stdout.is_err(), "the command line still returns it");
        Ok(())
    }

    async fn stored(&self) -> Result<(u16, Value)> {
        self.server.api("GET", &format!("secret/data/{NAME}"), None).await
    }
}
