//! A server in a container of the local Docker engine.

use std::collections::HashMap;
use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testcontainers::bollard::models::PortBinding;
use testcontainers::core::IntoContainerPort as _;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt as _};
use tokio::process::Command;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

use super::plan::{Place, Plan};
use crate::flavor::Flavor;
use crate::reaper::Reaper;
use crate::unique::unique;

const ROOT: &str = "/km";
const PORT: u16 = 8200;
const STOPS_WITHIN_SECONDS: i32 = 20;
const KILLED_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Container {
    name: String,
    flavor: Flavor,
    /// The address inside the container.
    port: u16,
    handle: std::sync::Arc<ContainerAsync<GenericImage>>,
    // Dropped last, as a safeguard.
    _reaper: Reaper,
}

impl Container {
    pub(crate) async fn launch(
        image: &str,
        flavor: Flavor,
        plan: &Plan,
        port: u16,
    ) -> Result<Self> {
        let name = format!("km-test-{}", unique());
        let reaper = Reaper::start(None, Some(&name))?;
        let request = request(image, flavor, plan, port).with_container_name(&name);
        let handle = on_engine(async move { request.start().await }).await?;
        let port = place(plan, port).port;
        Ok(Self {
            name,
            flavor,
            port,
            handle: handle.context("starting the container")?.into(),
            _reaper: reaper,
        })
    }

    pub(crate) async fn start(&self) -> Result<()> {
        let handle = self.handle.clone();
        on_engine(async move { handle.start().await }).await?.context("starting the container")
    }

    pub(crate) async fn stop(&self) -> Result<()> {
        let handle = self.handle.clone();
        on_engine(async move { handle.stop_with_timeout(Some(STOPS_WITHIN_SECONDS)).await })
            .await?
            .context("stopping the container")
    }

    /// Immediately, because a stop without a timeout would wait for a graceful end first.
    pub(crate) async fn kill(&self) -> Result<()> {
        let kill = Command::new("docker").args(["kill", "--signal=KILL", &self.name]).output();
        let output = kill.await.context("starting docker")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "killing the container: {said}");
        let deadline = Instant::now() + KILLED_WITHIN;
        while self.is_running().await? {
            ensure!(Instant::now() < deadline, "the container outlives SIGKILL");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    pub(crate) async fn pause(&self) -> Result<()> {
        let handle = self.handle.clone();
        on_engine(async move { handle.pause().await }).await?.context("pausing the container")
    }

    pub(crate) async fn unpause(&self) -> Result<()> {
        let handle = self.handle.clone();
        on_engine(async move { handle.unpause().await }).await?.context("resuming the container")
    }

    pub(crate) async fn is_running(&self) -> Result<bool> {
        let handle = self.handle.clone();
        on_engine(async move { handle.is_running().await }).await?.context("asking the engine")
    }

    pub(crate) async fn log(&self) -> String {
        let output = Command::new("docker").args(["logs", &self.name]).output().await;
        output.map_or_else(
            |error| error.to_string(),
            |output| String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        )
    }

    pub(crate) fn cli(&self, scheme: &str) -> Command {
        let mut command = Command::new("docker");
        command
            .args(["exec", "--interactive", "--env", "VAULT_TOKEN", "--env", "VAULT_NAMESPACE"])
            .args(["--env", &format!("VAULT_ADDR={scheme}://127.0.0.1:{}", self.port)])
            .args(["--env", &format!("VAULT_CACERT={}", ca(scheme))])
            .args([&self.name, self.flavor.program()]);
        command
    }
}

fn ca(scheme: &str) -> String {
    if scheme == "https" { format!("{ROOT}/ca.pem") } else { String::new() }
}

/// A network of its own, unless several servers have to reach each other.
fn place(plan: &Plan, port: u16) -> Place<'static> {
    if plan.is_on_the_host() {
        return Place { root: ROOT, interface: "127.0.0.1", port };
    }
    Place { root: ROOT, interface: "0.0.0.0", port: PORT }
}

fn request(image: &str, flavor: Flavor, plan: &Plan, port: u16) -> ContainerRequest<GenericImage> {
    let place = place(plan, port);
    let (name, tag) = image.rsplit_once(':').unwrap_or((image, "latest"));
    // The entry script of the public image changes users and owners. The binary is in every image.
    let mut request = GenericImage::new(name, tag)
        .with_entrypoint(flavor.program())
        .with_cmd(plan.arguments(place))
        .with_env_var("SKIP_SETCAP", "1");
    request =
        if plan.is_on_the_host() { request.with_network("host") } else { published(request, port) };
    for (file, content) in plan.files(place) {
        request = request.with_copy_to(format!("{ROOT}/{file}"), content.into_bytes());
    }
    request
}

/// On loopback only, and always on the same port, so that the address survives a restart.
fn published(request: ContainerRequest<GenericImage>, port: u16) -> ContainerRequest<GenericImage> {
    request.with_mapped_port(port, PORT.tcp()).with_host_config_modifier(move |config| {
        let here = PortBinding {
            host_ip: Some("127.0.0.1".to_owned()),
            host_port: Some(port.to_string()),
        };
        config.port_bindings = Some(HashMap::from([(format!("{PORT}/tcp"), Some(vec![here]))]));
    })
}

/// Runs a future on a runtime that outlives every test, because the engine's client keeps its
/// connections, which do not survive their runtime.
async fn on_engine<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T> {
    static ENGINE: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    let start =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let engine = ENGINE.get_or_init(start).as_ref();
    let engine = engine.map_err(|error| anyhow::anyhow!("the engine's runtime: {error}"))?;
    engine.spawn(work).await.context("talking to the engine")
}
