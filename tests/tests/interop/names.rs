//! Names and prefixes of keys: the same path, whoever makes it.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::step::Key::{self, Alias, Token};
use crate::step::Step::{Delete, Rename, Rotate, Store};
use crate::step::{ONE, THREE, TWO, same};
use crate::world::{Gateway, World};

/// A key leads a whole life under this name; after the first rotation all of `place` is known.
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
async fn a_name_leads_both_to_the_same_path() -> Result<()> {
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
        // Twins to the eye, and two keys: composed and decomposed.
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
async fn a_key_without_an_alias_is_called_by_its_token_id() -> Result<()> {
    let world = World::new().await?;
    let gateway = world.gateway(json!({}), None)?;
    let id = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b";
    let name = format!("litellm/virtual-key-{id}");
    check(&gateway, Token(id), &format!("{}/data/{name}", world.mount()), &name).await
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn a_prefix_leads_both_to_the_same_path() -> Result<()> {
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

/// LiteLLM puts its one slash before the alias all the same, and the server takes it out of the path.
#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn no_prefix_leads_both_to_the_same_path() -> Result<()> {
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
