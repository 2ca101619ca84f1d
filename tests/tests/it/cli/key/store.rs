//! `km key store`, `read`, `list` and `delete`: byte-compatible with what LiteLLM stores, at the
//! same paths.

use anyhow::Result;
use serde_json::json;
use testkit::{FixtureSpec, Server, secret};

use super::common::Gateway;
use crate::cli::common::{contains_all, fails, writer};
use crate::cli::listener::Silent;

/// Allows virtual keys in the folder of the provider secrets.
const SHARED_FOLDER: (&str, &str) = ("KM_DANGER_SHARED_KEY_FOLDER", "true");

#[tokio::test]
async fn prefixes_and_names_match_litellm() -> Result<()> {
    for (settings, folder) in [
        (&[][..], "litellm/"),
        (&[("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", "keys")], "keys/"),
        (&[("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", "/a/b/")], "a/b/"),
        (&[("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", ""), SHARED_FOLDER], ""),
        (&[("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", "/"), SHARED_FOLDER], ""),
        (&[("HCP_VAULT_PATH_PREFIX", "gateway/eu")], "gateway/eu/litellm/"),
    ] {
        let gateway = Gateway::new(settings).await?;
        let mount = &gateway.fixture.mount;
        for (name, alias) in [
            (&["alias"][..], "alias"),
            (&["with space"], "with space"),
            (&["clé-密钥"], "clé-密钥"),
            (&["--token-id", "88dc28d0f030"], "virtual-key-88dc28d0f030"),
        ] {
            let value = secret("key");
            let path = format!("{folder}{}", alias.replace(' ', "%20"));
            let path =
                if path.is_ascii() { path } else { format!("{folder}cl%C3%A9-%E5%AF%86%E9%92%A5") };
            let run = |command: &'static str| [&["key", command], name].concat();
            let stored =
                gateway.km().args(run("store")).stdin(value.as_str()).run().await?.expect(0)?;
            assert_eq!(stored.text()?, format!("stored {mount}/data/{path} version 1\n"));
            assert_eq!(gateway.stored(&path).await?, Some(json!({ "key": value })));
            let read = gateway.km().args(run("read")).run().await?.expect(0)?;
            assert_eq!(read.text()?, value);
            let listed = gateway.run(&["list"], "").await?;
            assert!(listed.text()?.lines().any(|line| line == alias), "{}", listed.text()?);
            let deleted = gateway.km().args(run("delete")).run().await?.expect(0)?;
            assert_eq!(deleted.text()?, format!("deleted {mount}/data/{path}\n"));
            assert_eq!(gateway.stored(&path).await?, None);
            fails(|| gateway.km().args(run("delete")), 6, "not_found").await?;
            fails(|| gateway.km().args(run("read")), 6, "not_found").await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn value_is_stored_byte_for_byte() -> Result<()> {
    let gateway = Gateway::new(&[]).await?;
    let mark = secret("key");
    for (alias, value) in [
        ("quotes", format!("{mark}\"'\\`$")),
        ("lines", format!("{mark}\r\n\n")),
        ("unicode", format!("{mark} clé 密钥 \u{1f511}")),
        ("empty", String::new()),
        ("large", mark.repeat(64 * 1024 / mark.len())),
    ] {
        gateway.run(&["store", alias, "--raw", "--allow-empty"], &value).await?;
        let stored = gateway.stored(&format!("litellm/{alias}")).await?;
        assert_eq!(stored, Some(json!({ "key": value })), "{alias}");
        assert_eq!(gateway.run(&["read", alias], "").await?.text()?, value, "{alias}");
    }
    Ok(())
}

#[tokio::test]
async fn description_is_stored_as_a_second_field() -> Result<()> {
    let plain = Gateway::new(&[]).await?;
    let settled = Gateway::new(&[("KM_DESCRIPTION", "of the settings")]).await?;
    let value = secret("key");
    for (gateway, alias, flag, expected) in [
        (&plain, "a", None, None),
        (&plain, "b", Some("of the call"), Some("of the call")),
        (&settled, "a", None, Some("of the settings")),
        (&settled, "b", Some("of the call"), Some("of the call")),
    ] {
        let flags = flag.map(|text| ["--description", text]);
        let arguments = [&["store", alias][..], flags.as_ref().map_or(&[], |f| &f[..])].concat();
        gateway.run(&arguments, &value).await?;
        let expected = match expected {
            Some(text) => json!({ "key": value, "description": text }),
            None => json!({ "key": value }),
        };
        assert_eq!(gateway.stored(&format!("litellm/{alias}")).await?, Some(expected));
    }
    Ok(())
}

#[tokio::test]
async fn repeated_store_of_the_same_key_creates_no_version() -> Result<()> {
    let gateway = Gateway::new(&[]).await?;
    let (first, second) = (secret("key"), secret("key"));
    let store = async |value: &str, version: u64| -> Result<()> {
        let stored = gateway.run(&["store", "alias"], value).await?;
        contains_all(stored.text()?, &[&format!("version {version}\n")])?;
        assert_eq!(gateway.version("litellm/alias").await?, version);
        assert_eq!(gateway.stored("litellm/alias").await?, Some(json!({ "key": value })));
        Ok(())
    };
    store(&first, 1).await?;
    store(&first, 1).await?;
    gateway.run(&["delete", "alias"], "").await?;
    store(&second, 2).await?;
    store(&second, 2).await?;
    let path = format!("{}/destroy/litellm/alias", gateway.fixture.mount);
    gateway.fixture.server().must("POST", &path, json!({ "versions": [2] })).await?;
    store(&first, 3).await
}

#[tokio::test]
async fn store_onto_a_live_key_with_another_value_is_a_conflict() -> Result<()> {
    let gateway = Gateway::new(&[]).await?;
    let (value, other) = (secret("key"), secret("key"));
    let conflict = async |stored: &str, version: u64| -> Result<()> {
        let store = || gateway.key(&["store", "alias"]).stdin(other.as_str());
        let stderr = fails(store, 7, "conflict").await?;
        contains_all(&stderr, &["another key is stored there", "/data/litellm/alias"])?;
        assert_eq!(gateway.version("litellm/alias").await?, version);
        let fields = gateway.stored("litellm/alias").await?.unwrap_or_default();
        assert_eq!(fields["key"], json!(stored));
        Ok(())
    };
    gateway.run(&["store", "alias"], &value).await?;
    conflict(&value, 1).await?;
    gateway.run(&["rotate", "alias"], &value).await?;
    conflict(&value, gateway.version("litellm/alias").await?).await?;
    // A stored secret without a usable value is not overwritten either.
    for fields in [json!({ "key": 7 }), json!({ "password": value })] {
        gateway.fixture.put("litellm/alias", fields.clone()).await?;
        let version = gateway.version("litellm/alias").await?;
        let store = || gateway.key(&["store", "alias"]).stdin(value.as_str());
        fails(store, 7, "conflict").await?;
        assert_eq!(gateway.version("litellm/alias").await?, version);
        assert_eq!(gateway.stored("litellm/alias").await?, Some(fields));
    }
    Ok(())
}

#[tokio::test]
async fn store_ignores_the_description_when_comparing() -> Result<()> {
    let gateway = Gateway::new(&[]).await?;
    let value = secret("key");
    let described = json!({ "key": value, "description": "of another tool" });
    gateway.fixture.put("litellm/alias", described.clone()).await?;
    for flags in [&[][..], &["--description", "of the call"]] {
        let store = [&["store", "alias"][..], flags].concat();
        let stored = gateway.run(&store, &value).await?;
        contains_all(stored.text()?, &["version 1\n"])?;
    }
    assert_eq!(gateway.stored("litellm/alias").await?, Some(described));
    Ok(())
}

#[tokio::test]
async fn store_onto_a_key_that_cannot_be_read_is_a_conflict() -> Result<()> {
    let policy = |mount: &str| {
        format!(r#"path "{mount}/data/litellm/*" {{ capabilities = ["create", "update"] }}"#)
    };
    let spec = FixtureSpec { policy: Some(policy), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let value = secret("key");
    let km = || {
        let km = writer(&fixture).env("KM_STORE_VIRTUAL_KEYS", "true");
        km.args(["key", "store", "alias"]).stdin(value.as_str())
    };
    km().run().await?.expect(0)?;
    fails(km, 7, "conflict").await?;
    assert_eq!(fixture.get("litellm/alias").await?.1["data"]["metadata"]["version"], 1);
    Ok(())
}

#[tokio::test]
async fn store_without_store_virtual_keys_reports_skipped() -> Result<()> {
    let silent = Silent::new()?;
    for (name, value) in [("KM_STORE_VIRTUAL_KEYS", "false"), ("KM_ACCESS_MODE", "read_and_write")]
    {
        let km = || {
            let km = crate::cli::common::km_against(&silent.address()).env(name, value);
            km.args(["key", "store", "alias"]).stdin(secret("key"))
        };
        let output = km().run().await?.expect(0)?;
        assert_eq!(output.stdout, b"");
        contains_all(&output.stderr, &["km: skipped", "store_virtual_keys"])?;
        let output = km().args(["--json"]).run().await?.expect(0)?;
        assert_eq!(output.text()?, "{\"skipped\":true}\n");
    }
    assert_eq!(silent.connections()?, 0);
    Ok(())
}

#[tokio::test]
async fn list_walks_folders_and_keeps_similar_names_apart() -> Result<()> {
    let gateway = Gateway::new(&[]).await?;
    // The last two look alike but differ: one is composed, the other is decomposed.
    let aliases = ["Alias", "alias", "b/c/d", "b/c/e", "b/x", "z", "\u{e9}", "e\u{301}"];
    for alias in aliases {
        gateway.run(&["store", alias], &secret(alias)).await?;
    }
    for alias in aliases {
        let read = gateway.run(&["read", alias], "").await?;
        contains_all(read.text()?, &[&format!("-{alias}-")])?;
    }
    let mut sorted = aliases;
    sorted.sort_unstable();
    let listed = gateway.run(&["list"], "").await?;
    assert_eq!(listed.text()?.lines().collect::<Vec<_>>(), sorted);
    let listed = gateway.run(&["list", "--json"], "").await?;
    let document: serde_json::Value = serde_json::from_slice(&listed.stdout)?;
    assert_eq!(document, json!({ "names": sorted, "aliases": sorted }));
    Ok(())
}

#[tokio::test]
async fn deleted_and_destroyed_keys_are_listed_only_with_all_and_marked() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (server, mount) = (fixture.server(), &fixture.mount);
    for alias in ["alive", "b/gone", "destroyed", "removed"] {
        fixture.put(&format!("litellm/{alias}"), json!({ "key": "v" })).await?;
    }
    server.must("DELETE", &format!("{mount}/data/litellm/b/gone"), None).await?;
    let versions = json!({ "versions": [1] });
    server.must("PUT", &format!("{mount}/destroy/litellm/destroyed"), versions).await?;
    server.must("DELETE", &format!("{mount}/metadata/litellm/removed"), None).await?;
    let list = async |flags: &[&str]| -> Result<String> {
        let output = fixture.km().args(["key", "list"]).args(flags).run().await?.expect(0)?;
        assert_eq!(output.stderr, "");
        Ok(output.text()?.to_owned())
    };
    assert_eq!(list(&[]).await?, "alive\n");
    assert_eq!(list(&["--all"]).await?, "alive\nb/gone\tdeleted\ndestroyed\tdestroyed\n");
    let live = r#""names":["alive"],"aliases":["alive"]"#;
    assert_eq!(list(&["--json"]).await?, format!("{{{live}}}\n"));
    let all = format!("{{{live},\"deleted\":[\"b/gone\",\"destroyed\"]}}\n");
    assert_eq!(list(&["--all", "--json"]).await?, all);
    Ok(())
}

#[tokio::test]
async fn every_change_works_on_a_mount_with_cas_required() -> Result<()> {
    let gateway = Gateway::new(&[]).await?;
    let config = format!("{}/config", gateway.fixture.mount);
    gateway.fixture.server().must("POST", &config, json!({ "cas_required": true })).await?;
    let [first, second, third] = [(); 3].map(|()| secret("key"));
    gateway.run(&["store", "a"], &first).await?;
    gateway.run(&["rotate", "a"], &second).await?;
    gateway.run(&["rotate", "a"], &third).await?;
    gateway.run(&["rotate", "a", "--to", "b"], &first).await?;
    gateway.run(&["rename", "b", "a"], "").await?;
    assert_eq!(gateway.run(&["read", "a"], "").await?.text()?, first);
    gateway.run(&["delete", "a"], "").await?;
    gateway.run(&["store", "a"], &second).await?;
    assert_eq!(gateway.run(&["read", "a"], "").await?.text()?, second);
    Ok(())
}
