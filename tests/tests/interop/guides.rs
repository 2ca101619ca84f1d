//! The commands of the guides, run as written against LiteLLM and a real Vault.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use testkit::{Km, LiteLlm, secret, write_program};
use tokio::process::Command;

use crate::page::Page;
use crate::world::World;

pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Longer than a start of LiteLLM on a loaded machine. A page that hangs fails.
const ENDS_WITHIN: &str = "240";

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn guide_to_the_vault_secret_manager_works() -> Result<()> {
    let place = Place::new().await?;
    // This secret manager requires a licence.
    let program = place.files.path().join("bin").join("litellm");
    let script = std::fs::read_to_string(format!("{ROOT}/tests/interop/licensed.py"))?;
    write_program(&program, &format!("#!{}\n{script}", LiteLlm::python()?))?;
    place.run("litellm-vault.md").await
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn guide_to_the_custom_class_works() -> Result<()> {
    Place::new().await?.run("litellm-custom.md").await
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn guide_to_km_exec_works() -> Result<()> {
    Place::new().await?.run("litellm-exec.md").await
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn guide_to_dotenv_files_works() -> Result<()> {
    Place::new().await?.run("dotenv.md").await
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn guide_to_debugging_a_401_works() -> Result<()> {
    Place::new().await?.run("debugging.md").await
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn guide_to_rotations_works() -> Result<()> {
    Place::new().await?.run("rotation.md").await
}

/// The starting point of a guide's reader: a Vault, a provider, and two keys in files.
struct Place {
    world: World,
    files: TempDir,
    upstream: Child,
    port: u16,
}

impl Place {
    async fn new() -> Result<Self> {
        let (world, files) = (World::new().await?, tempfile::tempdir()?);
        let key = secret("key");
        std::fs::write(files.path().join("openai.key"), format!("{key}\n"))?;
        // LiteLLM requires this form of its master key.
        std::fs::write(files.path().join("master.key"), format!("sk-{}\n", secret("master")))?;
        std::fs::create_dir(files.path().join("bin"))?;
        let (upstream, port) = upstream(&key)?;
        Ok(Self { world, files, upstream, port })
    }

    /// Runs a page. Every command must succeed and print what the page shows.
    async fn run(mut self, name: &str) -> Result<()> {
        let text = std::fs::read_to_string(format!("{ROOT}/docs/guides/{name}"))
            .context(name.to_owned())?;
        let (proxy, sidecar) = (free_port()?, free_port()?);
        // The ports of the pages may be in use.
        let text = text.replace("4000", &proxy.to_string()).replace("8210", &sidecar.to_string());
        // A page does not write outside its directory.
        let text = text.replace("/run/km/", &format!("{}/", self.files.path().display()));
        let script = self.files.path().join("page.sh");
        std::fs::write(&script, Page::parse(&text)?.script())?;
        let mut bash = Command::new("timeout");
        bash.args(["--kill-after=5", ENDS_WITHIN, "bash"]).arg(&script).kill_on_drop(true);
        bash.env_clear().current_dir(self.files.path()).stdin(Stdio::null());
        self.environment(&mut bash).await?;
        let log = self.files.path().join("log");
        bash.stdout(std::fs::File::create(&log)?)
            .stderr(std::fs::File::options().append(true).open(&log)?);
        let status = bash.status().await.context("starting bash")?;
        self.upstream.kill()?;
        self.upstream.wait()?;
        ensure!(status.success(), "{name}: {status}\n{}", std::fs::read_to_string(&log)?);
        Ok(())
    }

    async fn environment(&self, command: &mut Command) -> Result<()> {
        let own = self.files.path();
        let folder = |program: &Path| program.parent().map(PathBuf::from).context("no folder");
        let path = [
            own.join("bin"),
            folder(&Km::program().await?)?,
            folder(Path::new(&LiteLlm::python()?))?,
            "/usr/local/bin:/usr/bin:/bin".into(),
        ];
        let path: Vec<_> = path.iter().map(|folder| folder.to_string_lossy()).collect();
        command.env("PATH", path.join(":")).env("HOME", own).env("PYTHONUTF8", "1");
        command.envs(self.world.env.iter().map(|(name, value)| (*name, value)));
        command.env("OPENAI_BASE_URL", format!("http://127.0.0.1:{}/v1", self.port));
        // Otherwise the import of LiteLLM downloads a price list.
        command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
        // Packages of the page are installed here, without a network, and not into the shared
        // environment.
        let (packages, checkout) = (own.join("packages"), std::fs::canonicalize(ROOT)?);
        command.env("KM", checkout).env("PYTHONPATH", &packages).env("PIP_TARGET", &packages);
        // pip interprets false as "without an index".
        command.env("PIP_NO_INDEX", "1").env("PIP_NO_BUILD_ISOLATION", "false");
        Ok(())
    }
}

/// The provider and its port.
fn upstream(key: &str) -> Result<(Child, u16)> {
    let mut python = std::process::Command::new(LiteLlm::python()?);
    python.arg(format!("{ROOT}/tests/interop/upstream.py")).env("UPSTREAM_KEY", key);
    let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no stdout")?).read_line(&mut line)?;
    Ok((child, line.trim().parse().context("the provider printed no port")?))
}

pub(crate) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
