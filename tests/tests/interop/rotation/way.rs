//! The ways in which a rotated key reaches LiteLLM, as configured in the guide.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use testkit::{Km, Running};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::sleep;

use super::scene::{NAME, POLL_INTERVAL};
use crate::guides::ROOT;
use crate::page::Page;
use crate::world::World;

/// The directory of the keys in the guide.
const DIRECTORY: &str = "/run/km/keys";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file, written by `km sync`, that LiteLLM reads for each request.
    Files,
    /// The callback over `km serve`.
    Live,
    /// LiteLLM's own secret manager, without `km`.
    Alone,
}

/// A way with its process of `km`, which ends on drop.
pub(super) struct Way {
    kind: Kind,
    running: Option<Running>,
    files: TempDir,
    /// The login of LiteLLM alone.
    login: Vec<(&'static str, String)>,
}

impl Way {
    pub(super) async fn start(kind: Kind, world: &World) -> Result<Self> {
        let mut way =
            Self { kind, running: None, files: tempfile::tempdir()?, login: world.env.clone() };
        let km = program(world).env("KM_POLL_INTERVAL", format!("{}s", POLL_INTERVAL.as_secs()));
        match kind {
            Kind::Files => {
                std::fs::create_dir(way.directory())?;
                let km = km.args(["sync", "--only", NAME, "--dir"]).args([way.directory()]);
                way.running = Some(km.start().await?);
                way.has_written().await?;
            }
            Kind::Live => {
                let km = km.args(["serve", "--listen", &way.socket()]);
                way.running = Some(listening(km.start().await?).await?);
            }
            Kind::Alone => {}
        }
        Ok(way)
    }

    /// Returns the arguments by which `km rotate` waits until this way has the new version.
    pub(super) fn arguments(&self) -> [String; 2] {
        match self.kind {
            Kind::Files => ["--files".to_owned(), self.directory().display().to_string()],
            _ => ["--sidecar".to_owned(), self.socket()],
        }
    }

    /// Returns the files of LiteLLM's configuration.
    pub(super) fn files(&self) -> Result<Vec<(&'static str, String)>> {
        let page = std::fs::read_to_string(format!("{ROOT}/docs/guides/rotation.md"))?;
        let page = Page::parse(&page.replace(DIRECTORY, &self.directory().display().to_string()))?;
        let file = |name: &str| page.file(name).map(str::to_owned);
        Ok(match self.kind {
            Kind::Files => vec![("config.yaml", file("files.yaml")?)],
            Kind::Live => {
                vec![("config.yaml", file("live.yaml")?), ("km_live.py", file("km_live.py")?)]
            }
            Kind::Alone => vec![("config.yaml", ALONE.to_owned())],
        })
    }

    /// Returns LiteLLM's environment.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        match self.kind {
            Kind::Files => {
                let directory = self.directory().display().to_string();
                vec![("LITELLM_OIDC_ALLOWED_CREDENTIAL_DIRS", directory)]
            }
            Kind::Live => vec![("KM_SERVE_ADDR", self.socket())],
            Kind::Alone => {
                let mut environment = self.login.clone();
                environment.push(("HCP_VAULT_REFRESH_INTERVAL", "1".to_owned()));
                environment
            }
        }
    }

    pub(super) fn needs_licence(&self) -> bool {
        self.kind == Kind::Alone
    }

    /// Ends the process, which fails if it has logged a key.
    pub(super) async fn end(self) -> Result<()> {
        let Some(running) = self.running else { return Ok(()) };
        running.signal("TERM")?;
        running.finish().await?.expect(0).map(drop)
    }

    fn directory(&self) -> PathBuf {
        self.files.path().join("keys")
    }

    fn socket(&self) -> String {
        format!("unix:{}", self.files.path().join("km.sock").display())
    }

    async fn has_written(&mut self) -> Result<()> {
        let file = self.directory().join(NAME);
        let running = self.running.as_mut().context("no process")?;
        while !file.exists() {
            let ended = running.child().try_wait()?;
            ensure!(ended.is_none(), "km sync ended: {ended:?}");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// Waits until a sidecar listens.
async fn listening(mut running: Running) -> Result<Running> {
    let stdout = running.child().stdout.take().context("no stdout")?;
    // It prints its address once it listens.
    let line = BufReader::new(stdout).lines().next_line().await?;
    ensure!(line.is_some(), "km serve ended");
    Ok(running)
}

/// Returns `km` with the environment of the world.
pub(super) fn program(world: &World) -> Km {
    let km = Km::new().env("KM_ACCESS_MODE", "read_and_write").env("PATH", "/usr/bin:/bin");
    world.env.iter().fold(km, |km, (name, value)| km.env(name, value))
}

/// The configuration of LiteLLM alone.
const ALONE: &str = "
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: openai/gpt-4o
      api_key: os.environ/OPENAI_API_KEY
general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY
  key_management_system: hashicorp_vault
  key_management_settings:
    hosted_keys: [OPENAI_API_KEY]
";
