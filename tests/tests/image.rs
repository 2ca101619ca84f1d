//! Containers from the image of `km` against a real server.
//!
//! Each test is ignored by default, because it needs the image: `cargo xtask image` builds it and
//! runs all of them. Without it they fail.

use std::process::Output;

use anyhow::{Context, Result, ensure};
use testkit::{Fixture, Server, secret};
use tokio::process::Command;

/// Runs `km` in a container without privileges or a writable file system, and with the host's
/// network only if it needs a server.
async fn km(network: &str, env: &[(&str, &str)], arguments: &[&str]) -> Result<Output> {
    let mut docker = Command::new("docker");
    docker.args(["run", "--rm", "--interactive", "--read-only", "--cap-drop=ALL"]);
    docker.args(["--security-opt=no-new-privileges", "--network", network]);
    for (name, value) in env {
        // Only the name: docker takes the value from its environment, so that it is not an
        // argument.
        docker.args(["--env", name]).env(name, value);
    }
    let output = docker.arg(image()?).args(arguments).output().await;
    output.context("starting docker")
}

#[expect(clippy::disallowed_methods, reason = "a setting of the suite")]
fn image() -> Result<String> {
    std::env::var("KM_TEST_KM_IMAGE")
        .context("there is no image: run this suite with `cargo xtask image`")
}

/// With the settings of a gateway.
async fn configured(fixture: &Fixture, arguments: &[&str]) -> Result<Output> {
    let env = [
        ("HCP_VAULT_ADDR", fixture.server().address()),
        ("HCP_VAULT_MOUNT_NAME", &fixture.mount),
        ("HCP_VAULT_APPROLE_ROLE_ID", &fixture.role_id),
        ("HCP_VAULT_APPROLE_SECRET_ID", &fixture.secret_id),
    ];
    km("host", &env, arguments).await
}

#[tokio::test]
#[ignore = "needs the image: cargo xtask image"]
async fn image_runs_without_libraries_and_prints_its_version() -> Result<()> {
    let output = km("none", &[], &["--version"]).await?;
    ensure!(output.stdout == b"km 0.1.0\n", "{output:?}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs the image: cargo xtask image"]
async fn image_runs_as_an_unprivileged_user() -> Result<()> {
    let mut docker = Command::new("docker");
    docker.args(["image", "inspect", "--format", "{{.Config.User}}", &image()?]);
    let output = docker.output().await?;
    ensure!(output.stdout == b"65532:65532\n", "{output:?}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs the image: cargo xtask image"]
async fn image_checks_a_server_and_reads_a_secret() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    let value = secret("value");
    let body = serde_json::json!({ "data": { "key": value } });
    server.must("POST", &format!("{}/data/OPENAI_API_KEY", fixture.mount), body).await?;

    let checked = configured(&fixture, &["check"]).await?;
    ensure!(checked.status.success(), "{checked:?}");
    let read = configured(&fixture, &["read", "OPENAI_API_KEY"]).await?;
    ensure!(read.status.success() && read.stdout == value.as_bytes(), "{:?}", read.status);
    Ok(())
}

/// The image has root certificates: a server with a certificate of another authority is refused for
/// that reason.
#[tokio::test]
#[ignore = "needs the image: cargo xtask image"]
async fn image_has_root_certificates() -> Result<()> {
    let server = Server::dedicated_tls().await?;
    let env = [("HCP_VAULT_ADDR", server.address()), ("HCP_VAULT_TOKEN", "none")];
    let output = km("host", &env, &["check"]).await?;
    // The report on stdout has the cause; stderr only names the failed step.
    let report = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.code() == Some(4) && report.contains("UnknownIssuer"), "{output:?}");
    Ok(())
}
