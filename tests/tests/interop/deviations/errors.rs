//! Errors that LiteLLM's hooks suppress, and operations that they should not execute.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Engine, FixtureSpec, Server};

use crate::step::Key::Alias;
use crate::step::Step::{Delete, Rename, Rotate, Store};
use crate::step::Who::{Km, LiteLlm};
use crate::step::{ONE, TWO, same};
use crate::world::World;

/// A failed operation of the hooks returns nothing, like a successful one.
#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn failed_operation_is_reported() -> Result<()> {
    let reads = |mount: &str| format!(r#"path "{mount}/*" {{ capabilities = ["read", "list"] }}"#);
    let spec = FixtureSpec { policy: Some(reads), ..FixtureSpec::default() };
    let world = World::on(Server::shared().await?.fixture_with(spec).await?);
    let stored = format!("{}/data/litellm/key", world.mount());
    world.access.must("POST", &stored, json!({ "data": { "key": ONE } })).await?;
    let before = world.stored().await?;
    let gateway = world.gateway(json!({}), None)?;
    // Both log in and may read.
    assert_eq!(gateway.litellm("read", json!({ "alias": "key" })).await?, ONE);
    let nowhere = Some(json!({ "mount": "nobody-mounted-this" }));
    for (step, team, code) in [
        (Store(Alias("other"), ONE), None, 5),
        (Rotate(Alias("key"), "new", None), None, 5),
        (Rename(Alias("key"), "other"), None, 5),
        (Delete(Alias("key")), None, 5),
        (Delete(Alias("other")), None, 6),
        (Rename(Alias("other"), "third"), None, 6),
        (Store(Alias("key"), ONE), nowhere, 5),
    ] {
        let gateway = world.gateway(json!({}), team)?;
        // It neither fails nor reports anything.
        step.done_by(LiteLlm, &gateway).await?;
        assert_eq!(world.stored().await?, before, "LiteLLM: {step:?}");
        step.km(&gateway).run().await?.expect(code)?;
        assert_eq!(world.stored().await?, before, "{step:?}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn mount_that_requires_check_and_set_is_written() -> Result<()> {
    let world = World::new().await?;
    let gateway = world.gateway(json!({}), None)?;
    let steps = [
        Store(Alias("key"), ONE),
        Rotate(Alias("key"), TWO, None),
        Rename(Alias("key"), "other"),
        Delete(Alias("other")),
    ];
    let without = same(&gateway, &steps).await?;
    world.wipe().await?;
    let config = format!("{}/config", world.mount());
    world.access.must("POST", &config, json!({ "cas_required": true })).await?;

    Store(Alias("key"), ONE).done_by(LiteLlm, &gateway).await?;
    assert!(world.stored().await?.is_empty());
    for (step, expected) in steps.iter().zip(without) {
        step.done_by(Km, &gateway).await?;
        assert_eq!(world.stored().await?, expected, "{step:?}");
    }
    Ok(())
}

/// A version 1 mount accepts any path: what LiteLLM stores there is not a secret of version 2.
#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn version_1_mount_is_not_written() -> Result<()> {
    let spec = FixtureSpec { engine: Engine::V1, ..FixtureSpec::default() };
    let world = World::on(Server::shared().await?.fixture_with(spec).await?);
    let gateway = world.gateway(json!({}), None)?;
    let place = format!("{}/data/litellm/key", world.mount());
    let store = Store(Alias("key"), ONE);
    store.km(&gateway).run().await?.expect(8)?;
    assert_eq!(world.access.api("GET", &place, None).await?.0, 404);
    store.done_by(LiteLlm, &gateway).await?;
    let stored = world.access.must("GET", &place, None).await?;
    assert_eq!(stored["data"], json!({ "data": { "key": ONE } }));
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn read_only_is_enforced() -> Result<()> {
    let world = World::new().await?;
    let place = format!("{}/data/litellm/key", world.mount());
    for (mode, stores, code) in
        [(json!("read_only"), true, 2), (json!("read_only"), false, 5), (Value::Null, true, 0)]
    {
        world.wipe().await?;
        let settings = json!({ "access_mode": mode, "store_virtual_keys": stores });
        let gateway = world.gateway(settings.clone(), None)?;
        let rotate = Rotate(Alias("key"), ONE, None);
        rotate.km(&gateway).run().await?.expect(code)?;
        assert_eq!(world.stored().await?.contains_key(&place), code == 0, "{settings}");
        world.wipe().await?;
        Store(Alias("key"), ONE).done_by(LiteLlm, &gateway).await?;
        assert_eq!(world.stored().await?.contains_key(&place), stores, "LiteLLM: {settings}");
    }
    Ok(())
}
