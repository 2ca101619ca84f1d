//! `km check` runs that exit with 0, with and without warnings.

use anyhow::Result;
use serde_json::json;
use testkit::{Fixture, FixtureSpec, Server, secret};

use super::report::expect_steps;
use crate::cli::common::{NAME, contains_all, km_with_token, writer};

async fn fixture() -> Result<Fixture> {
    Server::shared().await?.fixture().await
}

#[tokio::test]
async fn valid_setup_passes_all_steps() -> Result<()> {
    let fixture = fixture().await?;
    let all = ["settings ok", "server ok", "login ok", "mount ok", "rights ok"];
    expect_steps(|| writer(&fixture), 0, &all).await?;
    expect_steps(|| fixture.km(), 0, &all).await?;
    let output = writer(&fixture).args(["check"]).run().await?.expect(0)?;
    contains_all(
        output.text()?,
        &[fixture.server().address(), "AppRole", &fixture.policy, &fixture.mount, "KV version 2"],
    )?;
    contains_all(output.text()?, &["read", "create", "update", "delete"])?;
    assert_eq!(fixture.get(NAME).await?.0, 404, "a secret was written");
    Ok(())
}

#[tokio::test]
async fn namespace_and_prefix_pass_every_step() -> Result<()> {
    let spec = FixtureSpec { under: Some("teams/team-a".to_owned()), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let mount = fixture.mount.trim_start_matches("teams/team-a/");
    let km = || {
        writer(&fixture)
            .env_remove("HCP_VAULT_MOUNT_NAME")
            .env("HCP_VAULT_MOUNT_NAME", mount)
            .env("HCP_VAULT_SECRET_NAMESPACE", "teams/team-a")
            .env("HCP_VAULT_PATH_PREFIX", "litellm")
    };
    let all = ["settings ok", "server ok", "login ok", "mount ok", "rights ok"];
    expect_steps(km, 0, &all).await
}

#[tokio::test]
async fn each_required_path_has_its_own_rights_line() -> Result<()> {
    let fixture = fixture().await?;
    let km = || fixture.km().env("KM_HOSTED_KEYS", "A,B");
    let expected = ["settings ok", "server ok", "login ok", "mount ok", "rights ok", "rights ok"];
    expect_steps(km, 0, &expected).await?;
    let output = km().args(["check"]).run().await?.expect(0)?;
    for name in ["A", "B"] {
        contains_all(output.text()?, &[&format!("{}/data/{name}", fixture.mount)])?;
    }
    Ok(())
}

#[tokio::test]
async fn root_token_is_a_warning() -> Result<()> {
    let fixture = fixture().await?;
    let server = fixture.server();
    let km = || km_with_token(server.address(), &fixture.mount, server.root_token());
    expect_steps(km, 0, &["settings ok", "server ok", "login warning", "mount ok", "rights ok"])
        .await
}

#[tokio::test]
async fn setting_without_effect_is_a_warning() -> Result<()> {
    let fixture = fixture().await?;
    let km = || fixture.km().env("HCP_VAULT_CLIENT_CERT", "/half/of/a/pair");
    let expected =
        ["settings ok", "settings warning", "server ok", "login ok", "mount ok", "rights ok"];
    expect_steps(km, 0, &expected).await
}

#[tokio::test]
async fn token_without_capabilities_self_is_a_warning() -> Result<()> {
    let fixture = fixture().await?;
    let server = fixture.server();
    let token = fixture.token(json!({ "no_default_policy": true })).await?;
    let km = || km_with_token(server.address(), &fixture.mount, &token);
    expect_steps(km, 0, &["settings ok", "server ok", "login ok", "mount ok", "rights warning"])
        .await
}

#[tokio::test]
async fn stored_values_are_not_printed() -> Result<()> {
    let fixture = fixture().await?;
    fixture.put(NAME, json!({ "key": secret("value") })).await?;
    let output = writer(&fixture).args(["check", "--log", "trace"]).run().await?.expect(0)?;
    assert!(!output.text()?.contains("PLANTED"), "{}", output.text()?);
    Ok(())
}
