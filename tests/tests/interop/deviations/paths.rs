//! Names that LiteLLM sends unchanged, and that the server or the URL interprets.

use anyhow::{Context, Result};
use serde_json::json;

use crate::step::Key::Alias;
use crate::step::Step::{Rotate, Store};
use crate::step::Who::{Km, LiteLlm};
use crate::step::{ONE, TWO};
use crate::world::World;

/// Returns the path at which each program stores a key of this alias, or nothing. `km` rejects
/// names without a path of their own; LiteLLM reports nothing.
async fn check(world: &World, alias: &str, theirs: &[&str], ours: Option<&str>) -> Result<()> {
    let gateway = world.gateway(json!({}), None)?;
    let places = async || -> Result<Vec<String>> {
        let within = format!("{}/data/", world.mount());
        let stored = world.stored().await?;
        let paths = stored.keys().filter_map(|path| path.strip_prefix(&within));
        Ok(paths.map(str::to_owned).collect())
    };
    let store = Store(Alias(alias), ONE);
    world.wipe().await?;
    store.done_by(LiteLlm, &gateway).await?;
    assert_eq!(places().await?, theirs, "LiteLLM: {alias:?}");
    world.wipe().await?;
    if let Some(place) = ours {
        store.done_by(Km, &gateway).await?;
        assert_eq!(places().await?, [place], "{alias:?}");
    } else {
        store.km(&gateway).run().await?.expect(2).with_context(|| format!("{alias:?}"))?;
        assert!(places().await?.is_empty(), "{alias:?}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn name_has_exactly_one_path() -> Result<()> {
    let world = World::new().await?;
    for (alias, theirs, ours) in [
        // Characters with a meaning in a URL.
        ("a?b", &["litellm/a"][..], Some("litellm/a?b")),
        ("a#b", &["litellm/a"], Some("litellm/a#b")),
        ("a%41b", &["litellm/aAb"], Some("litellm/a%41b")),
        ("a%2Fb", &["litellm/a/b"], Some("litellm/a%2Fb")),
        ("50%", &[], Some("litellm/50%")),
        // Paths that a server normalizes or rejects.
        ("/a", &["litellm/a"], None),
        ("a//b", &["litellm/a/b"], None),
        ("a/./b", &["litellm/a/b"], None),
        (".", &["litellm"], None),
        ("a/", &[], None),
        ("../a", &[], None),
        ("a\u{200b}b", &[], None),
        // Aliases that could be another team's name, or are too long.
        ("litellm/a", &["litellm/litellm/a"], None),
        (&"x".repeat(600), &[&format!("litellm/{}", "x".repeat(600))], None),
    ] {
        check(&world, alias, theirs, ours).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn alias_does_not_reach_another_teams_key() -> Result<()> {
    let world = World::new().await?;
    let everybody = world.gateway(json!({}), None)?;
    let team = world.gateway(json!({}), Some(json!({ "path_prefix": "litellm" })))?;
    let place = format!("{}/data/litellm/litellm/key", world.mount());
    Store(Alias("key"), "of the team").done_by(Km, &team).await?;
    let before = world.stored().await?;
    assert_eq!(before.keys().collect::<Vec<_>>(), [&place]);

    let refused = everybody.km().args(["key", "store", "litellm/key"]).stdin("of somebody");
    refused.run().await?.expect(2)?;
    assert_eq!(world.stored().await?, before);

    Store(Alias("litellm/key"), "of somebody").done_by(LiteLlm, &everybody).await?;
    assert_eq!(world.stored().await?[&place]["data"], json!({ "key": "of somebody" }));
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn prefix_is_normalized_like_all_paths() -> Result<()> {
    let world = World::new().await?;
    for (prefix, theirs, rotated_by_them) in [
        (" keys ", " keys /key", "Rotated from  keys /key"),
        ("/keys/", "keys/key", "Rotated from /keys/key"),
        ("keys//", "keys/key", "Rotated from keys//key"),
    ] {
        let gateway = world.gateway(json!({ "prefix_for_stored_virtual_keys": prefix }), None)?;
        let expected =
            [(LiteLlm, theirs, rotated_by_them), (Km, "keys/key", "Rotated from keys/key")];
        for (who, place, description) in expected {
            world.wipe().await?;
            Store(Alias("key"), ONE).done_by(who, &gateway).await?;
            Rotate(Alias("key"), TWO, None).done_by(who, &gateway).await?;
            let stored = world.stored().await?;
            let place = format!("{}/data/{place}", world.mount());
            let document = json!({
                "data": { "key": TWO, "description": description },
                "version": 2,
            });
            assert_eq!(stored.iter().collect::<Vec<_>>(), [(&place, &document)], "{prefix:?}");
        }
    }
    Ok(())
}

/// Without a prefix an alias is the path of a provider secret.
#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn keys_without_a_prefix_are_refused() -> Result<()> {
    let world = World::new().await?;
    let path = format!("{}/data/OPENAI_API_KEY", world.mount());
    for prefix in ["", "/"] {
        world.access.must("POST", &path, json!({ "data": { "key": "provider" } })).await?;
        let gateway = world.gateway(json!({ "prefix_for_stored_virtual_keys": prefix }), None)?;
        let refused = gateway.km().args(["key", "store", "OPENAI_API_KEY"]).stdin(ONE);
        refused.run().await?.expect(2)?;
        assert_eq!(world.stored().await?[&path]["data"], json!({ "key": "provider" }));
        Store(Alias("OPENAI_API_KEY"), ONE).done_by(LiteLlm, &gateway).await?;
        assert_eq!(world.stored().await?[&path]["data"], json!({ "key": ONE }), "{prefix:?}");
    }
    Ok(())
}

/// Without a prefix only the number of segments separates the keys of two teams.
#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn alias_without_a_prefix_is_one_segment() -> Result<()> {
    let world = World::new().await?;
    let settings = json!({
        "prefix_for_stored_virtual_keys": "",
        "km": { "danger_shared_key_folder": true },
    });
    let gateway = world.gateway(settings, None)?;
    let refused = gateway.km().args(["key", "store", "team/key"]).stdin(ONE);
    refused.run().await?.expect(2)?;
    assert!(world.stored().await?.is_empty());
    Store(Alias("team/key"), ONE).done_by(LiteLlm, &gateway).await?;
    assert_eq!(world.stored().await?.len(), 1);
    Ok(())
}
