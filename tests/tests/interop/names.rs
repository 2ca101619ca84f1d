//! Names and prefixes of keys have the same path in both programs.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::step::Key::{self, Alias, Token};
use crate::step::Step::{Delete, Rename, Rotate, Store};
use crate::step::{ONE, THREE, TWO, same};
use crate::world::{Gateway, World};

/// Runs all operations on a key of this name. After the first rotation all of `place` is known.
async fn check(gateway: &Gateway<'_>, key: Key<'_>, place: &str, name: &str) -> Result<()> {
    let steps = [
        Store(key, ONE),
        Rotate(key, TWO, None),
        Rotate(key, THREE, Some("renamed")),
        Rename(Alias("renamed"), "renamed/again"),
        Delete(Alias("renamed/again")),
    ];
    let after = same(gateway, &steps).await.with_context(|| format!("{key:?}"))?;
    let rotated: Vec<_> = after[1].iter().map(|(path, it)| (path.as_str(), it)).collect();
    let document = json!({
        "data": { "key": TWO, "description": format!("Rotated from {name}") },
        "version": 2,
    });
    assert_eq!(rotated, [(place, &document)], "{key:?}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn name_has_the_same_path() -> Result<()> {
    let world = World::new().await?;
    let gateway = world.gateway(json!({}), None)?;
    for name in [
        "search-team",
        "über schlüssel",
        "a b",
        " a ",
        "a/b/c",
        "a+b;c:d@e,f=g&h!i$j'k(l)m*n~o",
        "a|b^c`d{e}[f]\"g<h>\\i",
        "...",
        "..a",
        "true",
        "🔑/ключ",
        // Composed and decomposed Unicode: they look the same and are two keys.
        "\u{e9}",
        "e\u{301}",
        &"x".repeat(200),
    ] {
        let name_in_vault = format!("litellm/{name}");
        let place = format!("{}/data/{name_in_vault}", world.mount());
        check(&gateway, Alias(name), &place, &name_in_vault).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn key_without_an_alias_is_named_by_its_token_id() -> Result<()> {
    let world = World::new().await?;
    let gateway = world.gateway(json!({}), None)?;
    let id = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b";
    let name = format!("litellm/virtual-key-{id}");
    check(&gateway, Token(id), &format!("{}/data/{name}", world.mount()), &name).await
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn prefix_has_the_same_path() -> Result<()> {
    let world = World::new().await?;
    let below = World::new().await?.env("HCP_VAULT_PATH_PREFIX", "/all/of them/");
    for (prefix, folder) in [
        (Value::Null, "litellm/"),
        (json!("litellm/"), "litellm/"),
        (json!("litellm"), "litellm/"),
        (json!("keys/of/gateway one"), "keys/of/gateway one/"),
        (json!("keys/of/gateway one/"), "keys/of/gateway one/"),
        (json!("ключи"), "ключи/"),
    ] {
        let settings = json!({ "prefix_for_stored_virtual_keys": prefix });
        for (world, above) in [(&world, ""), (&below, "all/of them/")] {
            let place = format!("{}/data/{above}{folder}key", world.mount());
            let gateway = world.gateway(settings.clone(), None)?;
            check(&gateway, Alias("key"), &place, &format!("{folder}key")).await?;
        }
    }
    Ok(())
}

/// LiteLLM still adds a slash before the alias, which the server removes from the path.
#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn missing_prefix_has_the_same_path() -> Result<()> {
    let world = World::new().await?.env("HCP_VAULT_PATH_PREFIX", "all");
    let place = format!("{}/data/all/key", world.mount());
    for prefix in ["", "/"] {
        let settings = json!({
            "prefix_for_stored_virtual_keys": prefix,
            "km": { "danger_shared_key_folder": true },
        });
        let gateway = world.gateway(settings, None)?;
        let steps = [
            Store(Alias("key"), ONE),
            Rotate(Alias("key"), TWO, None),
            Rename(Alias("key"), "other"),
            Rotate(Alias("other"), THREE, Some("third")),
            Delete(Alias("third")),
        ];
        let after = same(&gateway, &steps).await?;
        let document = json!({
            "data": { "key": TWO, "description": "Rotated from /key" },
            "version": 2,
        });
        assert_eq!(after[1].iter().collect::<Vec<_>>(), [(&place, &document)], "{prefix:?}");
    }
    Ok(())
}
