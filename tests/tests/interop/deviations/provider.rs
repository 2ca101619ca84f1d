//! Reads: environment, cache and login. Where the behaviour of `km` is that of a long-running
//! process, only LiteLLM's is shown here; the tests in `tests/it` show the other.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{FixtureSpec, Server, unique};

use crate::step::Key::Alias;
use crate::step::ONE;
use crate::step::Step::Store;
use crate::step::Who::{Km, LiteLlm};
use crate::world::World;

const NAME: &str = "OPENAI_API_KEY";

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn only_a_definite_miss_falls_back_to_the_environment() -> Result<()> {
    let world = World::new().await?.env(NAME, "of the environment");
    let nothing = |_: &str| r#"path "nothing/*" { capabilities = ["read"] }"#.to_owned();
    let spec = FixtureSpec { policy: Some(nothing), ..FixtureSpec::default() };
    let denied = World::on(Server::shared().await?.fixture_with(spec).await?);
    let denied = denied.env(NAME, "of the environment");
    for (world, stored, deleted, code) in [
        (&world, None, false, 0),
        (&world, Some(json!({ "key": "of vault" })), true, 6),
        (&world, Some(json!({ "key": 5 })), false, 8),
        (&world, Some(json!({ "other": "of vault" })), false, 8),
        (&denied, Some(json!({ "key": "of vault" })), false, 5),
    ] {
        let path = format!("{}/data/{NAME}", world.mount());
        if let Some(data) = stored {
            world.access.must("POST", &path, json!({ "data": data })).await?;
        }
        if deleted {
            world.access.must("DELETE", &path, None).await?;
        }
        let gateway = world.gateway(json!({ "store_virtual_keys": false }), None)?;
        let theirs = gateway.litellm("provider_key", json!({ "name": NAME })).await?;
        assert_eq!(theirs, "of the environment", "ours: exit {code}");
        let ours = gateway.km().args(["read", NAME]).run().await?.expect(code)?;
        assert_eq!(ours.text()?, if code == 0 { "of the environment" } else { "" });
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn litellm_serves_the_old_value_after_its_own_write() -> Result<()> {
    // LiteLLM interprets `0` as ten minutes as well.
    for interval in ["86400", "0"] {
        let world = World::new().await?.env("HCP_VAULT_REFRESH_INTERVAL", interval);
        let gateway = world.gateway(json!({}), None)?;
        let manager = unique();
        let call = async |operation: &str, value: &str| {
            let request = json!({ "manager": manager, "name": NAME, "value": value });
            gateway.litellm(operation, request).await
        };
        call("manager_write", "old").await?;
        assert_eq!(call("manager_read", "").await?, "old");
        call("manager_write", "new").await?;
        assert_eq!(call("manager_read", "").await?, "old", "{interval}");
        let ours = gateway.km().args(["read", NAME]).run().await?.expect(0)?;
        assert_eq!(ours.text()?, "new");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn litellm_keeps_using_a_revoked_token() -> Result<()> {
    let logins = format!("approle-{}", unique());
    let spec = FixtureSpec { auth_mount: Some(logins.clone()), ..FixtureSpec::default() };
    let world = World::on(Server::shared().await?.fixture_with(spec).await?);
    let gateway = world.gateway(json!({}), None)?;
    let manager = unique();
    let read = async |name: &str| {
        gateway.litellm("manager_read", json!({ "manager": manager, "name": name })).await
    };
    for name in ["a", "b"] {
        let path = format!("{}/data/{name}", world.mount());
        world.access.must("POST", &path, json!({ "data": { "key": ONE } })).await?;
    }
    assert_eq!(read("a").await?, ONE);
    let revoke = format!("sys/leases/revoke-prefix/auth/{logins}/login");
    world.access.must("PUT", &revoke, None).await?;
    assert_eq!(read("b").await?, Value::Null);
    assert_eq!(read("b").await?, Value::Null);
    Ok(())
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn white_space_around_a_setting_is_removed() -> Result<()> {
    for name in ["HCP_VAULT_APPROLE_MOUNT_PATH", "HCP_VAULT_ADDR"] {
        let world = World::new().await?;
        let plain = world.env.iter().find(|(set, _)| *set == name).map(|(_, value)| value.clone());
        let world = world.env(name, &format!(" {} ", plain.unwrap_or_default()));
        let gateway = world.gateway(json!({}), None)?;
        Store(Alias("key"), ONE).done_by(LiteLlm, &gateway).await?;
        assert!(world.stored().await?.is_empty(), "LiteLLM: {name}");
        Store(Alias("key"), ONE).done_by(Km, &gateway).await?;
        assert_eq!(world.stored().await?.len(), 1, "{name}");
    }
    Ok(())
}
