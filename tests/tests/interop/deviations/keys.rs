//! Operations on keys with different outcomes.

use anyhow::Result;
use serde_json::{Value, json};

use crate::step::Key::{self, Alias, Token};
use crate::step::Step::{self, Delete, Rename, Rotate, Store};
use crate::step::Who::{Km, LiteLlm};
use crate::step::{ONE, THREE, TWO};
use crate::world::{Gateway, World};

/// Returns what a step leaves from the same start, by LiteLLM and by `km`, which exits with this
/// code: the data of each name, or null if it is deleted.
struct Case<'a> {
    stored: &'a [(Key<'a>, &'a str)],
    step: Step<'a>,
    theirs: Value,
    ours: (i32, Value),
}

impl Case<'_> {
    async fn check(&self, world: &World) -> Result<()> {
        let gateway = world.gateway(json!({}), None)?;
        self.start(world, &gateway).await?;
        self.step.done_by(LiteLlm, &gateway).await?;
        assert_eq!(data(world).await?, self.theirs, "LiteLLM: {:?}", self.step);
        self.start(world, &gateway).await?;
        let (code, left) = &self.ours;
        self.step.km(&gateway).run().await?.expect(*code)?;
        assert_eq!(data(world).await?, *left, "{:?}", self.step);
        Ok(())
    }

    async fn start(&self, world: &World, gateway: &Gateway<'_>) -> Result<()> {
        world.wipe().await?;
        for (key, value) in self.stored {
            Store(*key, value).done_by(Km, gateway).await?;
        }
        Ok(())
    }
}

/// Returns what is stored: the last segment of each name, and the data.
async fn data(world: &World) -> Result<Value> {
    let stored = world.stored().await?;
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    Ok(stored.iter().map(|(path, document)| (last(path), document["data"].clone())).collect())
}

fn rotated(value: &str, from: &str) -> Value {
    json!({ "key": value, "description": format!("Rotated from litellm/{from}") })
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn existing_key_is_not_overwritten_by_a_rotation() -> Result<()> {
    let world = World::new().await?;
    let stored = &[(Alias("mine"), "my value"), (Alias("theirs"), "their value")];
    let untouched = json!({ "mine": { "key": "my value" }, "theirs": { "key": "their value" } });
    for (step, value) in [
        (Rename(Alias("mine"), "theirs"), "my value"),
        (Rotate(Alias("mine"), "new value", Some("theirs")), "new value"),
    ] {
        let theirs = json!({ "mine": null, "theirs": rotated(value, "mine") });
        Case { stored, step, theirs, ours: (7, untouched.clone()) }.check(&world).await?;
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn key_without_an_alias_is_deleted() -> Result<()> {
    let world = World::new().await?;
    Case {
        stored: &[(Token("id"), ONE)],
        step: Delete(Token("id")),
        theirs: json!({ "virtual-key-id": { "key": ONE } }),
        ours: (0, json!({ "virtual-key-id": null })),
    }
    .check(&world)
    .await
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn rotation_of_a_missing_key_stores_it() -> Result<()> {
    let world = World::new().await?;
    for (key, name) in [(Alias("key"), "key"), (Token("id"), "virtual-key-id")] {
        Case {
            stored: &[],
            step: Rotate(key, ONE, None),
            theirs: json!({}),
            ours: (0, json!({ name: rotated(ONE, name) })),
        }
        .check(&world)
        .await?;
    }
    Ok(())
}

/// LiteLLM looks up a key without an alias under its current token ID, and stores it under its
/// first one. Every rotation but the first has no effect.
#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn key_without_an_alias_is_rotated_repeatedly() -> Result<()> {
    let world = World::new().await?;
    let gateway = world.gateway(json!({}), None)?;
    let first = rotated(TWO, "virtual-key-id");
    Store(Token("id"), ONE).done_by(LiteLlm, &gateway).await?;
    Rotate(Token("id"), TWO, None).done_by(LiteLlm, &gateway).await?;
    assert_eq!(data(&world).await?, json!({ "virtual-key-id": first }));
    // The new hash of the driver.
    Rotate(Token("the-new-hash"), THREE, None).done_by(LiteLlm, &gateway).await?;
    assert_eq!(data(&world).await?, json!({ "virtual-key-id": first }));

    Rotate(Token("id"), THREE, Some("virtual-key-the-new-hash")).done_by(Km, &gateway).await?;
    let second = rotated(THREE, "virtual-key-id");
    let expected = json!({ "virtual-key-id": null, "virtual-key-the-new-hash": second });
    assert_eq!(data(&world).await?, expected);
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn repeated_store_writes_no_version() -> Result<()> {
    let world = World::new().await?;
    let gateway = world.gateway(json!({}), None)?;
    for (who, versions) in [(LiteLlm, 2), (Km, 1)] {
        world.wipe().await?;
        Store(Alias("key"), ONE).done_by(who, &gateway).await?;
        Store(Alias("key"), ONE).done_by(who, &gateway).await?;
        let stored = world.stored().await?;
        let document = json!({ "data": { "key": ONE }, "version": versions });
        assert_eq!(stored.values().collect::<Vec<_>>(), [&document], "{who:?}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn store_does_not_overwrite_a_live_key() -> Result<()> {
    let world = World::new().await?;
    Case {
        stored: &[(Alias("key"), ONE)],
        step: Store(Alias("key"), TWO),
        theirs: json!({ "key": { "key": TWO } }),
        ours: (7, json!({ "key": { "key": ONE } })),
    }
    .check(&world)
    .await
}

/// Only new keys are not stored; existing ones are rotated and deleted.
#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn existing_keys_are_managed_when_storing_is_off() -> Result<()> {
    let world = World::new().await?;
    let on = world.gateway(json!({}), None)?;
    let off = world.gateway(json!({ "store_virtual_keys": false }), None)?;
    for who in [LiteLlm, Km] {
        world.wipe().await?;
        Store(Alias("key"), ONE).done_by(who, &off).await?;
        assert_eq!(data(&world).await?, json!({}), "{who:?}");
    }
    let kept = json!({ "key": ONE });
    for (who, after_rotation, after_deletion) in
        [(LiteLlm, &kept, &kept), (Km, &rotated(TWO, "key"), &Value::Null)]
    {
        world.wipe().await?;
        Store(Alias("key"), ONE).done_by(Km, &on).await?;
        Rotate(Alias("key"), TWO, None).done_by(who, &off).await?;
        assert_eq!(data(&world).await?, json!({ "key": after_rotation }), "{who:?}");
        Delete(Alias("key")).done_by(who, &off).await?;
        assert_eq!(data(&world).await?, json!({ "key": after_deletion }), "{who:?}");
    }
    Ok(())
}
