//! `km check` failures: the step that fails, the steps that still run, and the exit code of the
//! first failure.

use anyhow::Result;
use testkit::{Engine, FixtureSpec, Server};

use super::report::expect_steps;
use crate::cli::common::{contains_all, error_document, km_against};
use crate::cli::listener::{Reply, Scripted, Silent, closed_port};

/// The steps if the server can't be reached, or is not ready.
const UNREACHABLE: [&str; 5] =
    ["settings ok", "server failed", "login skipped", "mount skipped", "rights skipped"];

#[tokio::test]
async fn invalid_settings_fail_the_settings_step_without_a_request() -> Result<()> {
    let silent = Silent::new()?;
    let km = || {
        let km = km_against(&silent.address()).env("KM_FALLBACK", "perhaps");
        km.env("KM_MAX_STALE", "-1")
    };
    let skipped = ["server skipped", "login skipped", "mount skipped", "rights skipped"];
    let failed = [&["settings failed", "settings failed"][..], &skipped].concat();
    expect_steps(km, 2, &failed).await?;
    let km = || km_against(&silent.address()).env("KM_CA_CERT", "/nonexistent");
    expect_steps(km, 2, &[&["settings failed"][..], &skipped].concat()).await?;
    assert_eq!(silent.connections()?, 0);
    Ok(())
}

#[tokio::test]
async fn server_that_does_not_respond_fails_the_server_step() -> Result<()> {
    let closed = closed_port()?;
    let failed = UNREACHABLE;
    expect_steps(|| km_against(&closed), 4, &failed).await?;
    let page = Scripted::new(|_| Reply::html(200))?;
    expect_steps(|| km_against(&page.address()), 4, &failed).await?;
    let silent = Silent::new()?;
    expect_steps(|| km_against(&silent.address()).env("KM_DEADLINE", "300ms"), 4, &failed).await
}

#[tokio::test]
async fn sealed_server_fails_the_server_step_with_an_unseal_hint() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    server.seal().await?;
    expect_steps(|| fixture.km(), 4, &UNREACHABLE).await?;
    let output = fixture.km().args(["check"]).run().await?.expect(4)?;
    contains_all(output.text()?, &["sealed", "vault operator unseal"])
}

#[tokio::test]
async fn invalid_credentials_fail_the_login_step() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let failed = ["settings ok", "server ok", "login failed", "mount skipped", "rights skipped"];
    let id = "HCP_VAULT_APPROLE_SECRET_ID";
    expect_steps(|| fixture.km().env_remove(id).env(id, "wrong"), 3, &failed).await?;
    let token = || {
        crate::cli::common::km_with_token(
            fixture.server().address(),
            &fixture.mount,
            "no-such-token",
        )
    };
    expect_steps(token, 3, &failed).await
}

#[tokio::test]
async fn wrong_or_missing_mount_fails_the_mount_step() -> Result<()> {
    let server = Server::shared().await?;
    let spec = FixtureSpec { engine: Engine::V1, ..Default::default() };
    let old = server.fixture_with(spec).await?;
    let failed = ["settings ok", "server ok", "login ok", "mount failed", "rights ok"];
    expect_steps(|| old.km(), 8, &failed).await?;
    let gone = server.fixture().await?;
    server.must("DELETE", &format!("sys/mounts/{}", gone.mount), None).await?;
    expect_steps(|| gone.km(), 6, &failed).await
}

#[tokio::test]
async fn missing_capabilities_fail_the_rights_step() -> Result<()> {
    let policy = |mount: &str| format!(r#"path "{mount}/data/*" {{ capabilities = ["read"] }}"#);
    let spec = FixtureSpec { policy: Some(policy), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let km = || crate::cli::common::writer(&fixture);
    let failed = ["settings ok", "server ok", "login ok", "mount ok", "rights failed"];
    expect_steps(km, 5, &failed).await?;
    let output = km().args(["check"]).run().await?.expect(5)?;
    contains_all(
        output.text()?,
        &["create", "update", "delete", "give the token a policy that allows"],
    )?;
    let read_only = ["settings ok", "server ok", "login ok", "mount ok", "rights ok"];
    expect_steps(|| fixture.km(), 0, &read_only).await
}

#[tokio::test]
async fn several_failed_steps_exit_with_the_code_of_the_first() -> Result<()> {
    let policy = |mount: &str| format!(r#"path "{mount}/data/*" {{ capabilities = ["list"] }}"#);
    let spec = FixtureSpec { engine: Engine::V1, policy: Some(policy), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let km = || fixture.km().env("KM_HOSTED_KEYS", "A,B");
    let failed =
        ["settings ok", "server ok", "login ok", "mount failed", "rights failed", "rights failed"];
    expect_steps(km, 8, &failed).await
}

#[tokio::test]
async fn failure_is_described_once_and_summarized_on_stderr() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.server().must("DELETE", &format!("sys/mounts/{}", fixture.mount), None).await?;
    let output = fixture.km().args(["check"]).run().await?.expect(6)?;
    let expected = "km: check: failed: mount\nhint: see the report on stdout\n";
    assert_eq!(output.stderr, expected);
    assert_eq!(output.text()?.matches("check the mount").count(), 1, "{}", output.text()?);
    let output = fixture.km().args(["check", "--json"]).run().await?.expect(6)?;
    error_document(&output.stderr, "not_found").map(drop)
}

#[tokio::test]
async fn skipped_step_names_the_step_that_failed() -> Result<()> {
    let closed = closed_port()?;
    let output = km_against(&closed).args(["check", "--secrets"]).run().await?.expect(4)?;
    let skipped: Vec<_> =
        output.text()?.lines().filter(|line| line.starts_with("skipped")).collect();
    assert_eq!(skipped.len(), 4, "login, mount, rights, secrets: {skipped:?}");
    for line in skipped {
        contains_all(line, &["not run, because the step `server` failed"])?;
    }
    Ok(())
}

#[tokio::test]
async fn warning_about_a_setting_is_not_logged_as_well() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let km = fixture.km().env("HCP_VAULT_CLIENT_CERT", "/half/of/a/pair");
    let output = km.args(["check"]).run().await?.expect(0)?;
    contains_all(output.text()?, &["HCP_VAULT_CLIENT_KEY is not set"])?;
    assert_eq!(output.stderr, "");
    Ok(())
}
