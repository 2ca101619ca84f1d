//! A team's settings lead to the same path and field, also if they are missing, null, empty or
//! unusual.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::step::Key::Alias;
use crate::step::Step::{Delete, Rename, Rotate, Store};
use crate::step::{ONE, THREE, TWO, same};
use crate::world::World;

/// The global location is `{space/}kv`, and the prefix `all`.
async fn world() -> Result<World> {
    let mounts = [
        "space/kv",
        "kv",
        "space/secret",
        "space/kv-prod",
        "teams/team-a/kv",
        "teams/team-a/kv-prod",
    ];
    let world = World::with_mounts(&mounts).await?;
    Ok(world
        .env("HCP_VAULT_NAMESPACE", "space")
        .env("HCP_VAULT_MOUNT_NAME", "kv")
        .env("HCP_VAULT_PATH_PREFIX", "all"))
}

/// A key of the team is stored in `folder` and `field`, and all further operations use the same
/// path.
async fn check(world: &World, settings: &Value, folder: &str, field: &str) -> Result<()> {
    let gateway = world.gateway(json!({}), Some(settings.clone()))?;
    let steps = [
        Store(Alias("key"), ONE),
        Rotate(Alias("key"), TWO, None),
        Rename(Alias("key"), "other"),
        Rotate(Alias("other"), THREE, Some("third")),
        Delete(Alias("third")),
    ];
    let after = same(&gateway, &steps).await.with_context(|| format!("{settings}"))?;
    let first: Vec<_> = after[0].iter().map(|(path, document)| (path.as_str(), document)).collect();
    let document = json!({ "data": { field: ONE }, "version": 1 });
    assert_eq!(first, [(format!("{folder}/litellm/key").as_str(), &document)], "{settings}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn team_setting_has_the_same_meaning() -> Result<()> {
    let world = world().await?;
    for (setting, value, folder, field) in [
        ("namespace", json!(null), "space/kv/data/all", "key"),
        ("namespace", json!(""), "kv/data/all", "key"),
        ("namespace", json!("  "), "kv/data/all", "key"),
        ("namespace", json!("/"), "kv/data/all", "key"),
        ("namespace", json!("teams/team-a"), "teams/team-a/kv/data/all", "key"),
        ("namespace", json!(" /teams/team-a/ "), "teams/team-a/kv/data/all", "key"),
        ("mount", json!(null), "space/kv/data/all", "key"),
        ("mount", json!(""), "space/secret/data/all", "key"),
        ("mount", json!("  "), "space/secret/data/all", "key"),
        ("mount", json!("/"), "space/secret/data/all", "key"),
        ("mount", json!("kv-prod"), "space/kv-prod/data/all", "key"),
        ("mount", json!(" /kv-prod/ "), "space/kv-prod/data/all", "key"),
        ("path_prefix", json!(null), "space/kv/data/all", "key"),
        ("path_prefix", json!(""), "space/kv/data", "key"),
        ("path_prefix", json!("  "), "space/kv/data", "key"),
        ("path_prefix", json!("/"), "space/kv/data", "key"),
        ("path_prefix", json!("its/own"), "space/kv/data/its/own", "key"),
        ("path_prefix", json!(" /its/own/ "), "space/kv/data/its/own", "key"),
        ("data", json!(null), "space/kv/data/all", "key"),
        ("data", json!(""), "space/kv/data/all", "key"),
        ("data", json!("  "), "space/kv/data/all", "key"),
        ("data", json!("/"), "space/kv/data/all", "/"),
        ("data", json!("password"), "space/kv/data/all", "password"),
        ("data", json!(" pass word "), "space/kv/data/all", "pass word"),
    ] {
        check(&world, &json!({ setting: value }), folder, field).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn combined_and_nested_team_settings_have_the_same_meaning() -> Result<()> {
    let world = world().await?;
    let page = json!({
        "namespace": "teams/team-a",
        "mount": "kv-prod",
        "path_prefix": "virtual-keys",
        "data": "password",
    });
    for (settings, folder, field) in [
        (json!({}), "space/kv/data/all", "key"),
        (page.clone(), "teams/team-a/kv-prod/data/virtual-keys", "password"),
        (json!({ "namespace": "", "mount": "", "path_prefix": "" }), "secret/data", "key"),
        (
            json!({ "secret_manager_settings": page, "namespace": "beside", "data": "beside" }),
            "teams/team-a/kv-prod/data/virtual-keys",
            "password",
        ),
        (json!({ "secret_manager_settings": {}, "mount": "beside" }), "space/kv/data/all", "key"),
        (
            json!({ "secret_manager_settings": null, "mount": "kv-prod" }),
            "space/kv-prod/data/all",
            "key",
        ),
    ] {
        check(&world, &settings, folder, field).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn team_without_a_namespace_uses_the_data_namespace() -> Result<()> {
    let world = world().await?.env("HCP_VAULT_SECRET_NAMESPACE", "");
    check(&world, &json!({ "namespace": null }), "kv/data/all", "key").await?;
    check(&world, &json!({ "namespace": "space" }), "space/kv/data/all", "key").await
}
