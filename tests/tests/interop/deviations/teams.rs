//! Team settings that LiteLLM interprets otherwise, or ignores.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::step::Key::Alias;
use crate::step::Step::{Rotate, Store};
use crate::step::Who::{Km, LiteLlm};
use crate::step::{ONE, TWO};
use crate::world::{Gateway, World};

/// `km` exits with this code and stores nothing.
async fn refused(gateway: &Gateway<'_>, code: i32) -> Result<()> {
    Store(Alias("key"), ONE).km(gateway).run().await?.expect(code)?;
    assert!(gateway.world().stored().await?.is_empty());
    Ok(())
}

/// LiteLLM stores the key at this path in the mount, and nowhere else.
async fn stored_by_litellm(gateway: &Gateway<'_>, path: &str) -> Result<()> {
    Store(Alias("key"), ONE).done_by(LiteLlm, gateway).await?;
    let place = format!("{}/data/{path}", gateway.world().mount());
    assert_eq!(gateway.world().stored().await?.keys().collect::<Vec<_>>(), [&place]);
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn team_that_cannot_be_looked_up_is_an_error() -> Result<()> {
    let world = World::new().await?;
    let gateway = world.gateway(json!({}), None)?;
    let nowhere = gateway.km().args(["--team-settings", "@/nonexistent/team.json", "key", "store"]);
    nowhere.args(["key"]).stdin(ONE).run().await?.expect(2)?;
    assert!(world.stored().await?.is_empty());

    let of_a_lost_team = json!({ "alias": "key", "value": ONE, "team": null });
    gateway.litellm("store", of_a_lost_team).await?;
    let place = format!("{}/data/litellm/key", world.mount());
    assert_eq!(world.stored().await?.keys().collect::<Vec<_>>(), [&place]);
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn invalid_team_settings_are_refused() -> Result<()> {
    let world = World::new().await?;
    for (settings, theirs) in [
        (json!({ "path_prefix": 5 }), "5/litellm/key"),
        (json!({ "path_prefix": true }), "True/litellm/key"),
        (json!({ "path_prefix": ["a"] }), "['a']/litellm/key"),
        (json!({ "path_prefix": "a/./b" }), "a/b/litellm/key"),
        (json!({ "path_prefix": "a//b" }), "a/b/litellm/key"),
        // Ignored, and the key is stored at the global location.
        (json!({ "pathprefix": "its/own" }), "litellm/key"),
        (json!({ "secret_manager_settings": "none" }), "litellm/key"),
        (json!("its/own"), "litellm/key"),
    ] {
        let gateway = world.gateway(json!({}), Some(settings.clone()))?;
        world.wipe().await?;
        refused(&gateway, 2).await.with_context(|| settings.to_string())?;
        stored_by_litellm(&gateway, theirs).await?;
    }
    Ok(())
}

/// Another team's mount is reached through a permissive one.
#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn team_setting_does_not_reach_another_mount() -> Result<()> {
    let world = World::new().await?;
    let mount = world.mount();
    for (settings, theirs) in [
        (
            json!({ "mount": "its-own", "path_prefix": format!("../../{mount}/data/others") }),
            "others/litellm/key",
        ),
        (json!({ "mount": format!("{mount}/data/others") }), "others/data/litellm/key"),
    ] {
        let gateway = world.gateway(json!({}), Some(settings.clone()))?;
        world.wipe().await?;
        refused(&gateway, 2).await.with_context(|| settings.to_string())?;
        stored_by_litellm(&gateway, theirs).await?;
    }
    Ok(())
}

/// With the global path prefix, a team without a prefix has its keys among the provider keys.
#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn team_key_is_not_stored_among_provider_keys() -> Result<()> {
    let world = World::new().await?.env("HCP_VAULT_PATH_PREFIX", "litellm");
    let gateway = world.gateway(json!({}), Some(json!({ "path_prefix": "" })))?;
    refused(&gateway, 5).await?;
    stored_by_litellm(&gateway, "litellm/key").await?;
    let provider_key = world.gateway(json!({}), None)?.km().args(["read", "key"]).run().await?;
    assert_eq!(provider_key.expect(0)?.text()?, ONE);
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn description_does_not_overwrite_the_key() -> Result<()> {
    let world = World::new().await?;
    let team = Some(json!({ "data": "description" }));
    let described = world.gateway(json!({ "description": "of the gateway" }), team.clone())?;
    refused(&described, 2).await?;
    Store(Alias("key"), ONE).done_by(LiteLlm, &described).await?;
    let data = async || -> Result<Vec<Value>> {
        Ok(world.stored().await?.into_values().map(|stored| stored["data"].clone()).collect())
    };
    assert_eq!(data().await?, [json!({ "description": "of the gateway" })]);

    let plain = world.gateway(json!({}), team)?;
    for (who, rotated) in [(LiteLlm, "Rotated from litellm/key"), (Km, TWO)] {
        world.wipe().await?;
        Store(Alias("key"), ONE).done_by(Km, &plain).await?;
        Rotate(Alias("key"), TWO, None).done_by(who, &plain).await?;
        assert_eq!(data().await?, [json!({ "description": rotated })], "{who:?}");
    }
    Ok(())
}
