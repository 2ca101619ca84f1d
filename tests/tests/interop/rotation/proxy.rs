//! LiteLLM's proxy as a process, with the configuration of a way.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Provider, Raw};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use super::way::Way;
use crate::guides::{ROOT, free_port};

/// LiteLLM requires this form.
const MASTER_KEY: &str = "sk-of-the-clients";

/// Longer than a start on a loaded machine.
const STARTS_WITHIN: Duration = Duration::from_secs(180);

/// A client of the proxy.
#[derive(Clone)]
pub(super) struct Client(Raw);

impl Client {
    /// Sends a request; `path` follows `/v1/`. Returns the status and the body.
    pub(super) async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<(u16, Value)> {
        let authorization = format!("Bearer {MASTER_KEY}");
        self.0.exchange(method, path, &[("Authorization", &authorization)], body).await
    }
}

/// A proxy that runs until it is dropped.
pub(super) struct Proxy {
    client: Client,
    files: TempDir,
    child: Child,
}

impl Proxy {
    /// Starts the proxy and waits until it serves.
    pub(super) async fn start(python: &str, way: &Way, provider: &Provider) -> Result<Self> {
        let (files, port) = (tempfile::tempdir()?, free_port()?);
        for (name, content) in way.files()? {
            std::fs::write(files.path().join(name), content)?;
        }
        let log = std::fs::File::create(files.path().join("log"))?;
        let mut command = Command::new(python);
        command.arg(program(python, way)?).args(["--config", "config.yaml"]);
        command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        command.env_clear().current_dir(files.path()).envs(way.environment());
        command.env("PATH", "/usr/bin:/bin").env("HOME", files.path()).env("PYTHONUTF8", "1");
        command.env("PYTHONPATH", format!("{ROOT}/integrations/litellm"));
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
        command.env("LITELLM_MASTER_KEY", MASTER_KEY);
        command.env("OPENAI_BASE_URL", format!("{}/v1", provider.url()));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("starting {python}"))?;
        let client = Client(Raw::new(&format!("http://127.0.0.1:{port}"))?);
        let mut proxy = Self { client, files, child };
        proxy.serves().await?;
        Ok(proxy)
    }

    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Returns what it has logged.
    pub(super) fn log(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(self.files.path().join("log"))?).into_owned())
    }

    pub(super) fn expect_no_key_in_its_log(&self, keys: &[String]) -> Result<()> {
        let log = self.log()?;
        let logged = keys.iter().any(|key| log.contains(key.as_str()));
        ensure!(!logged, "a key is in the log:\n{log}");
        Ok(())
    }

    async fn serves(&mut self) -> Result<()> {
        let starts = async {
            loop {
                if let Ok((200, _)) = self.client.call("GET", "models", None).await {
                    return Ok(());
                }
                sleep(Duration::from_millis(200)).await;
                if let Some(status) = self.child.try_wait()? {
                    bail!("LiteLLM ended: {status}");
                }
            }
        };
        let started = tokio::time::timeout(STARTS_WITHIN, starts).await;
        let started = started.context("LiteLLM does not start").and_then(|started| started);
        started.with_context(|| self.log().unwrap_or_default())
    }
}

/// The program of LiteLLM. With its own secret manager it requires a licence.
fn program(python: &str, way: &Way) -> Result<PathBuf> {
    if way.needs_licence() {
        return Ok(format!("{ROOT}/tests/interop/licensed.py").into());
    }
    Ok(Path::new(python).parent().context("where is this Python?")?.join("litellm"))
}
