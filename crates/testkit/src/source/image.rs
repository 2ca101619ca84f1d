//! A server image: the public one, or one built here.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use testcontainers::GenericImage;
use testcontainers::runners::AsyncRunner as _;
use tokio::process::Command;

use super::binary;
use super::lock::lock;
use super::progress::report;
use crate::environment::var;
use crate::flavor::{Flavor, Release};
use crate::probe::{Attempt, Machine, Program, stored};

/// The head of the names of images that are built here.
const LOCAL: &str = "km-test-";
/// Timeout of one `docker` command.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);
/// Timeout of a pull: a few hundred megabytes on a slow network. An engine without a network fails in
/// seconds.
const PULL: Duration = Duration::from_secs(300);

/// Returns the name of an image that is present and runs, and what it contains.
pub(super) async fn present(machine: &Machine, attempt: Attempt) -> Result<(String, Release)> {
    let image = choose(machine, attempt).await?;
    let release = release(&image).await?;
    Ok((image, release))
}

/// Returns flavor and version. `OpenBao`'s program comes first: its image may have a `vault` too.
async fn release(image: &str) -> Result<Release> {
    let run = async |flavor: Flavor| {
        let entry = format!("--entrypoint={}", flavor.program());
        docker(&["run", "--rm", "--network=none", &entry, image, "version"]).await
    };
    let output = match run(Flavor::OpenBao).await {
        Ok(output) => output,
        Err(_) => run(Flavor::Vault)
            .await
            .with_context(|| format!("a container of {image} does not run"))?,
    };
    Release::parse(&output)
        .with_context(|| format!("{image} has neither Vault nor OpenBao: {output:?}"))
}

/// Present images come before those to be pulled, and a requested image comes before others.
async fn choose(machine: &Machine, attempt: Attempt) -> Result<String> {
    let asked = var("KM_TEST_VAULT_IMAGE");
    let wanted = asked.clone().unwrap_or_else(|| public(attempt.flavor).to_owned());
    if is_present(&wanted).await {
        return Ok(wanted);
    }
    let local = local_tag(machine, attempt.flavor).await?;
    if asked.is_none() && is_present(&local).await {
        return Ok(local);
    }
    match pull(&wanted).await {
        Ok(()) => return Ok(wanted),
        Err(error) => report(&format!("{error:#}; making an image from the binary instead")),
    }
    if !is_present(&local).await {
        make(&local, machine, attempt).await?;
    }
    Ok(local)
}

const fn public(flavor: Flavor) -> &'static str {
    match flavor {
        Flavor::Vault => "hashicorp/vault:1.21",
        Flavor::OpenBao => "openbao/openbao:2.7",
    }
}

async fn is_present(image: &str) -> bool {
    docker(&["image", "inspect", image]).await.is_ok()
}

async fn pull(image: &str) -> Result<()> {
    let (name, tag) = image.rsplit_once(':').unwrap_or((image, "latest"));
    report(&format!("pulling {image}"));
    let pulled = tokio::time::timeout(PULL, GenericImage::new(name, tag).pull_image()).await;
    pulled
        .with_context(|| format!("{image} was not pulled in {} s", PULL.as_secs()))?
        .map(drop)
        .with_context(|| format!("{image} can't be pulled"))
}

/// Returns the tag of the image built here. It contains the version, so that the image is built once.
async fn local_tag(machine: &Machine, flavor: Flavor) -> Result<String> {
    let version = match machine.program(flavor) {
        Program::Present(path) => binary::release(path).await?.version,
        _ => stored::version(flavor).map_err(|why| anyhow!(why))?,
    };
    Ok(format!("{LOCAL}{}:{version}", flavor.word()))
}

/// Returns whether an image was built here. Such an image contains the binary alone.
pub(super) fn is_local(image: &str) -> bool {
    image.starts_with(LOCAL)
}

async fn make(tag: &str, machine: &Machine, attempt: Attempt) -> Result<()> {
    let flavor = attempt.flavor;
    let server = binary::find(machine, flavor, attempt.obtains).await?;
    let lock = tokio::task::spawn_blocking(move || lock(flavor)).await;
    let _lock = lock.context("the lock's thread")??;
    report(&format!("making the image {tag} from {}", server.display()));
    let context = tempfile::tempdir().context("a directory for the image")?;
    let program = flavor.program();
    tokio::fs::copy(server, context.path().join(program)).await.context("copying the binary")?;
    tokio::fs::write(context.path().join("Dockerfile"), dockerfile(program)).await?;
    docker(&["build", "--quiet", "--tag", tag, &context.path().to_string_lossy()])
        .await
        .with_context(|| format!("making the image {tag}"))
        .map(drop)
}

/// The binary alone. `SKIP_SETCAP` has no effect without an entry script; it documents that memory
/// cannot be locked.
fn dockerfile(program: &str) -> String {
    format!(
        "FROM scratch
ENV SKIP_SETCAP=1
COPY {program} /bin/{program}
ENV PATH=/bin
ENTRYPOINT [\"{program}\"]
"
    )
}

/// Runs the engine's own client, because testcontainers builds with `BuildKit` only, which older
/// engines lack.
async fn docker(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("docker");
    command.args(arguments).env("DOCKER_BUILDKIT", "0").kill_on_drop(true);
    let output = tokio::time::timeout(COMMAND_TIMEOUT, command.output()).await;
    let output = output.context("docker does not end")?.context("docker does not start")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "docker {}: {}", arguments.join(" "), said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
