//! `km key rotate` and `rename`: the stored result, and the requests that are rejected.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{FixtureSpec, Server, secret};

use super::common::Gateway;
use crate::cli::common::{contains_all, fails, writer};
use crate::relay::Relay;

fn rotated(value: &str, from: &str) -> Value {
    json!({ "key": value, "description": format!("Rotated from litellm/{from}") })
}

#[tokio::test]
async fn rotation_in_place_stores_the_new_value_once() -> Result<()> {
    let gateway = Gateway::new(&[("KM_DESCRIPTION", "of the settings")]).await?;
    let (old, new) = (secret("old"), secret("new"));
    gateway.run(&["store", "alias"], &old).await?;
    for _again in 0..2 {
        let output = gateway.run(&["rotate", "alias"], &new).await?;
        let path = format!("{}/data/litellm/alias", gateway.fixture.mount);
        assert_eq!(output.text()?, format!("stored {path} version 2\n"));
        assert_eq!(gateway.stored("litellm/alias").await?, Some(rotated(&new, "alias")));
        assert_eq!(gateway.version("litellm/alias").await?, 2);
    }
    Ok(())
}

#[tokio::test]
async fn rotation_to_a_new_name_deletes_the_old_name() -> Result<()> {
    let gateway = Gateway::new(&[]).await?;
    let mount = &gateway.fixture.mount;
    for (name, old) in [(&["old"][..], "old"), (&["--token-id", "1f"], "virtual-key-1f")] {
        let new = format!("new-{old}");
        let value = secret("new");
        gateway.run(&[&["store"], name].concat(), &secret("old")).await?;
        let rotate = [&["rotate"], name, &["--to", &new]].concat();
        let output = gateway.run(&rotate, &value).await?;
        let stored = format!("stored {mount}/data/litellm/{new} version 1\n");
        assert_eq!(output.text()?, format!("{stored}deleted {mount}/data/litellm/{old}\n"));
        let again = gateway.run(&[&rotate[..], &["--json"]].concat(), &value).await?;
        let document: Value = serde_json::from_slice(&again.stdout)?;
        assert_eq!(
            document,
            json!({ "path": format!("{mount}/data/litellm/{new}"), "version": 1 })
        );
        assert_eq!(gateway.stored(&format!("litellm/{new}")).await?, Some(rotated(&value, old)));
        assert_eq!(gateway.stored(&format!("litellm/{old}")).await?, None);
    }
    Ok(())
}

#[tokio::test]
async fn rotation_of_a_missing_key_stores_it() -> Result<()> {
    let gateway = Gateway::new(&[]).await?;
    let value = secret("new");
    gateway.run(&["rotate", "never"], &value).await?;
    assert_eq!(gateway.stored("litellm/never").await?, Some(rotated(&value, "never")));
    gateway.run(&["delete", "never"], "").await?;
    gateway.run(&["rotate", "never", "--to", "other"], &value).await?;
    assert_eq!(gateway.stored("litellm/other").await?, Some(rotated(&value, "never")));
    // With the storage of keys disabled, nothing is stored.
    let km = || writer(&gateway.fixture).args(["key", "rotate", "none"]).stdin(value.as_str());
    contains_all(&km().run().await?.expect(0)?.stderr, &["km: skipped"])?;
    assert_eq!(gateway.stored("litellm/none").await?, None);
    Ok(())
}

#[tokio::test]
async fn rename_keeps_the_value_and_is_reversible() -> Result<()> {
    let gateway = Gateway::new(&[]).await?;
    let value = secret("key");
    gateway.run(&["store", "a"], &value).await?;
    for (from, to) in [("a", "b/c"), ("b/c", "a"), ("a", "b/c")] {
        for _again in 0..2 {
            gateway.run(&["rename", from, to], "").await?;
            assert_eq!(
                gateway.stored(&format!("litellm/{to}")).await?,
                Some(rotated(&value, from))
            );
            assert_eq!(gateway.stored(&format!("litellm/{from}")).await?, None);
        }
    }
    Ok(())
}

#[tokio::test]
async fn rename_and_rotation_onto_another_key_are_conflicts() -> Result<()> {
    let gateway = Gateway::new(&[]).await?;
    let (value, other) = (secret("key"), secret("other"));
    gateway.run(&["store", "a"], &value).await?;
    gateway.run(&["store", "b"], &other).await?;
    for arguments in [&["rename", "a", "b"][..], &["rotate", "a", "--to", "b"]] {
        let km = || gateway.key(arguments).stdin(secret("new"));
        contains_all(&fails(km, 7, "conflict").await?, &["another key is stored there"])?;
        assert_eq!(gateway.stored("litellm/a").await?, Some(json!({ "key": value })));
        assert_eq!(gateway.stored("litellm/b").await?, Some(json!({ "key": other })));
        assert_eq!(gateway.version("litellm/b").await?, 1);
    }
    fails(|| gateway.key(&["rename", "nothing", "b"]), 6, "not_found").await?;
    fails(|| gateway.key(&["rename", "nothing", "new"]), 6, "not_found").await?;
    fails(|| gateway.key(&["rename", "a", "a"]), 2, "usage").await?;
    assert_eq!(gateway.stored("litellm/new").await?, None);
    Ok(())
}

#[tokio::test]
async fn interrupted_rename_or_rotation_is_resumed() -> Result<()> {
    let gateway = Gateway::new(&[]).await?;
    let (value, new) = (secret("key"), secret("new"));
    for (arguments, left) in [
        (
            &["rename", "a", "b"][..],
            json!({ "key": value, "description": "Rotated from litellm/a" }),
        ),
        (
            &["rotate", "a", "--to", "b"],
            json!({ "key": new, "description": "Rotated from litellm/a" }),
        ),
    ] {
        gateway.run(&["store", "a"], &value).await?;
        let version = gateway.fixture.put("litellm/b", left.clone()).await?["version"].clone();
        gateway.run(arguments, &new).await?;
        assert_eq!(gateway.stored("litellm/a").await?, None);
        assert_eq!(gateway.stored("litellm/b").await?, Some(left));
        assert_eq!(gateway.version("litellm/b").await?, version);
        gateway.run(&["delete", "b"], "").await?;
    }
    Ok(())
}

#[tokio::test]
async fn unusable_value_is_not_renamed() -> Result<()> {
    let gateway = Gateway::new(&[]).await?;
    for fields in [json!({ "key": 1 }), json!({ "other": "field" })] {
        gateway.fixture.put("litellm/a", fields.clone()).await?;
        fails(|| gateway.key(&["rename", "a", "b"]), 8, "stored_value").await?;
        fails(|| gateway.key(&["read", "a"]), 8, "stored_value").await?;
        assert_eq!(gateway.stored("litellm/a").await?, Some(fields));
        assert_eq!(gateway.stored("litellm/b").await?, None);
    }
    Ok(())
}

#[tokio::test]
async fn denied_deletion_is_reported_and_completed_on_rerun() -> Result<()> {
    fn no_deletion(mount: &str) -> String {
        format!(r#"path "{mount}/data/*" {{ capabilities = ["create", "read", "update"] }}"#)
    }
    let spec = FixtureSpec { policy: Some(no_deletion), ..FixtureSpec::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let value = secret("key");
    fixture.put("litellm/a", json!({ "key": value })).await?;
    let km = || writer(&fixture).args(["key", "rename", "a", "b"]);
    let stderr = fails(km, 5, "denied").await?;
    contains_all(
        &stderr,
        &["b is stored", "a is not deleted yet", "hint: run the same command again"],
    )?;
    assert_eq!(fixture.get("litellm/a").await?.1["data"]["data"]["key"], json!(value));
    assert_eq!(fixture.get("litellm/b").await?.1["data"]["data"]["key"], json!(value));

    let all = format!(
        r#"path "{}/*" {{ capabilities = ["read", "create", "update", "delete"] }}"#,
        fixture.mount
    );
    let path = format!("sys/policies/acl/{}", fixture.policy);
    fixture.server().must("PUT", &path, json!({ "policy": all })).await?;
    km().run().await?.expect(0)?;
    assert_eq!(fixture.get("litellm/a").await?.0, 404);
    assert_eq!(fixture.get("litellm/b").await?.1["data"]["metadata"]["version"], 1);
    Ok(())
}

#[tokio::test]
async fn store_is_one_request_and_rotation_to_a_new_name_is_four() -> Result<()> {
    let gateway = Gateway::new(&[]).await?;
    let relay = Relay::to(gateway.fixture.server().address(), "").await?;
    let through = async |arguments: &[&str]| -> Result<usize> {
        let before = relay.requests();
        let km = gateway.key(arguments).env("HCP_VAULT_ADDR", relay.address());
        km.stdin(secret("key")).run().await?.expect(0)?;
        // Each run logs in and, before its first write, requests the type of the mount.
        Ok(relay.requests() - before - 2)
    };
    assert_eq!(through(&["store", "a"]).await?, 1);
    assert_eq!(through(&["rotate", "a"]).await?, 3);
    assert_eq!(through(&["rotate", "a", "--to", "b"]).await?, 4);
    assert_eq!(through(&["rename", "b", "c"]).await?, 4);
    Ok(())
}
