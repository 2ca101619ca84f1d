//! The guides' own commands: each page is run as it stands, against LiteLLM and a real Vault.

mod page;

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use testkit::{Km, LiteLlm, secret};
use tokio::process::Command;

use crate::world::World;
use page::Page;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Longer than a start of LiteLLM on a machine with much to do; a page that hangs fails.
const ENDS_WITHIN: &str = "240";

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn the_guide_to_litellms_own_manager() -> Result<()> {
    let place = Place::new().await?;
    // This manager asks for a licence.
    let program = place.files.path().join("bin").join("litellm");
    let script = std::fs::read_to_string(format!("{ROOT}/tests/interop/licensed.py"))?;
    std::fs::write(&program, format!("#!{}\n{script}", LiteLlm::python()?))?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    place.run("litellm-vault.md").await
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn the_guide_to_the_custom_class() -> Result<()> {
    Place::new().await?.run("litellm-custom.md").await
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn the_guide_to_km_exec() -> Result<()> {
    Place::new().await?.run("litellm-exec.md").await
}

/// Where a person stands who follows a guide: a Vault, a provider, and two keys in files.
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
        // LiteLLM wants its master key to look like this.
        std::fs::write(files.path().join("master.key"), format!("sk-{}\n", secret("master")))?;
        std::fs::create_dir(files.path().join("bin"))?;
        let (upstream, port) = upstream(&key)?;
        Ok(Self { world, files, upstream, port })
    }

    /// Runs a page to its end; every command has to succeed, and say what the page says.
    async fn run(mut self, name: &str) -> Result<()> {
        let text = std::fs::read_to_string(format!("{ROOT}/docs/guides/{name}"))
            .context(name.to_owned())?;
        let (proxy, door) = (free_port()?, free_port()?);
        // Another may listen where the pages say.
        let text = text.replace("4000", &proxy.to_string()).replace("8210", &door.to_string());
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
        // Without it, LiteLLM's import asks the network for a list of prices.
        command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
        // What the page installs goes here, without a network, and not among what all tests use.
        let (packages, checkout) = (own.join("packages"), std::fs::canonicalize(ROOT)?);
        command.env("KM", checkout).env("PYTHONPATH", &packages).env("PIP_TARGET", &packages);
        // To pip, false here means "without".
        command.env("PIP_NO_INDEX", "1").env("PIP_NO_BUILD_ISOLATION", "false");
        Ok(())
    }
}

/// The provider, and its port.
fn upstream(key: &str) -> Result<(Child, u16)> {
    let mut python = std::process::Command::new(LiteLlm::python()?);
    python.arg(format!("{ROOT}/tests/interop/upstream.py")).env("UPSTREAM_KEY", key);
    let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no stdout")?).read_line(&mut line)?;
    Ok((child, line.trim().parse().context("the provider tells no port")?))
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
