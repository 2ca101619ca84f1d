//! Team settings: where the keys of a team are stored, and that nothing is stored elsewhere.

use anyhow::Result;
use serde_json::json;
use testkit::{Flavor, secret};

use super::common::{Gateway, team_mount};
use crate::cli::common::{KEY_COMMANDS, contains_all, fails, file, km_against, rejected};
use crate::cli::listener::Silent;

/// The global settings that the table of team settings overrides.
const GLOBAL: [(&str, &str); 4] = [
    ("HCP_VAULT_NAMESPACE", "corp"),
    ("HCP_VAULT_MOUNT_NAME", "kv"),
    ("HCP_VAULT_PATH_PREFIX", "gateway"),
    ("KM_STORE_VIRTUAL_KEYS", "true"),
];

#[tokio::test]
async fn team_settings_determine_path_and_field() -> Result<()> {
    let silent = Silent::new()?;
    let home = "corp/kv/data/gateway/litellm/alias";
    for (team, path, field) in [
        (json!({}), home, "key"),
        (json!(null), home, "key"),
        (
            json!({ "namespace": null, "mount": null, "path_prefix": null, "data": null }),
            home,
            "key",
        ),
        (json!({ "namespace": "" }), "kv/data/gateway/litellm/alias", "key"),
        (json!({ "namespace": " " }), "kv/data/gateway/litellm/alias", "key"),
        (json!({ "namespace": "/" }), "kv/data/gateway/litellm/alias", "key"),
        (json!({ "namespace": " /a/b/ " }), "a/b/kv/data/gateway/litellm/alias", "key"),
        (json!({ "mount": "" }), "corp/secret/data/gateway/litellm/alias", "key"),
        (json!({ "mount": " / " }), "corp/secret/data/gateway/litellm/alias", "key"),
        (json!({ "mount": "/kv-prod/" }), "corp/kv-prod/data/gateway/litellm/alias", "key"),
        (json!({ "path_prefix": "" }), "corp/kv/data/litellm/alias", "key"),
        (json!({ "path_prefix": "/" }), "corp/kv/data/litellm/alias", "key"),
        (json!({ "path_prefix": " a/b/ " }), "corp/kv/data/a/b/litellm/alias", "key"),
        (json!({ "data": "" }), home, "key"),
        (json!({ "data": "  " }), home, "key"),
        (json!({ "data": "/" }), home, "/"),
        (json!({ "data": " password " }), home, "password"),
        (
            json!({ "namespace": "teams/team-a", "mount": "kv-prod",
                    "path_prefix": "virtual-keys", "data": "password" }),
            "teams/team-a/kv-prod/data/virtual-keys/litellm/alias",
            "password",
        ),
        (
            json!({ "mount": "sibling", "secret_manager_settings": { "mount": "nested" } }),
            "corp/nested/data/gateway/litellm/alias",
            "key",
        ),
        (json!({ "mount": "sibling", "secret_manager_settings": {} }), home, "key"),
        (
            json!({ "mount": "sibling", "secret_manager_settings": null }),
            "corp/sibling/data/gateway/litellm/alias",
            "key",
        ),
    ] {
        let run = |arguments: &[&str]| {
            let km = GLOBAL.iter().fold(km_against(&silent.address()), |km, (name, value)| {
                km.env_remove(name).env(name, value)
            });
            km.args(["key"]).args(arguments).args(["--team-settings", &team.to_string()])
        };
        let output = run(&["store", "alias", "--explain"]).run().await?.expect(0)?;
        assert_eq!(output.text()?, format!("/v1/{path} field {field}\n"), "{team}");
        let output =
            run(&["rename", "alias", "b", "--explain", "--json"]).run().await?.expect(0)?;
        let other = path.replace("alias", "b");
        let place = |path: &str| json!({ "path": format!("/v1/{path}"), "field": field });
        let document: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        assert_eq!(document, json!({ "places": [place(path), place(&other)] }), "{team}");
    }
    assert_eq!(silent.connections()?, 0);
    Ok(())
}

#[tokio::test]
async fn litellm_team_example_works_with_every_command() -> Result<()> {
    let team = team_mount("teams/team-a").await?;
    let (namespace, mount) = ("teams/team-a", team.mount.trim_start_matches("teams/team-a/"));
    let allowed = format!("teams/*/{mount}");
    let gateway = Gateway::new(&[("KM_ALLOWED_TEAM_LOCATIONS", &allowed)]).await?;
    let settings = json!({ "namespace": namespace, "mount": mount,
        "path_prefix": "virtual-keys", "data": "password" });
    let (_directory, settings_file) = file(settings.to_string())?;
    let from_file = format!("@{}", settings_file.display());
    let value = secret("key");
    let path = format!("{}/data/virtual-keys/litellm/alias", team.mount);
    let run = async |arguments: &[&str], settings: &str, value: &str| {
        gateway.run(&[arguments, &["--team-settings", settings]].concat(), value).await
    };
    let settings = settings.to_string();

    let output = run(&["store", "alias"], &settings, &value).await?;
    assert_eq!(output.text()?, format!("stored {path} version 1\n"));
    let stored = team.get("virtual-keys/litellm/alias").await?.1["data"]["data"].clone();
    assert_eq!(stored, json!({ "password": value }));
    assert_eq!(run(&["read", "alias"], &from_file, "").await?.text()?, value);
    assert_eq!(run(&["list"], &from_file, "").await?.text()?, "alias\n");

    let new = secret("new");
    run(&["rotate", "alias"], &from_file, &new).await?;
    run(&["rename", "alias", "beta"], &from_file, "").await?;
    let stored = team.get("virtual-keys/litellm/beta").await?.1["data"]["data"].clone();
    assert_eq!(stored, json!({ "password": new, "description": "Rotated from litellm/alias" }));
    assert_eq!(team.get("virtual-keys/litellm/alias").await?.0, 404);
    run(&["delete", "beta"], &from_file, "").await?;
    assert_eq!(team.get("virtual-keys/litellm/beta").await?.0, 404);
    // Nothing was stored at the gateway's location.
    assert_eq!(gateway.run(&["list"], "").await?.text()?, "");
    Ok(())
}

#[tokio::test]
async fn team_location_that_is_not_allowed_is_denied_before_any_request() -> Result<()> {
    let silent = Silent::new()?;
    let km = |arguments: &'static [&'static str]| {
        let km = GLOBAL.iter().fold(km_against(&silent.address()), |km, (name, value)| {
            km.env_remove(name).env(name, value)
        });
        let km = km.env("KM_ALLOWED_TEAM_LOCATIONS", "teams/*/kv-prod");
        let team = r#"{"namespace":"teams/a/b","mount":"kv-prod"}"#;
        km.args(["key"]).args(arguments).args(["--team-settings", team]).stdin("value")
    };
    for arguments in [
        &["store", "a"][..],
        &["read", "a"],
        &["list"],
        &["rotate", "a"],
        &["rename", "a", "b"],
        &["delete", "a"],
        &["store", "a", "--explain"],
    ] {
        contains_all(&fails(|| km(arguments), 5, "denied").await?, &["KM_ALLOWED_TEAM_LOCATIONS"])?;
    }
    assert_eq!(silent.connections()?, 0);
    Ok(())
}

/// Covers another team's prefix, the top of the mount, and the gateway's prefix.
#[tokio::test]
async fn team_prefix_that_no_pattern_allows_reaches_no_key() -> Result<()> {
    let patterns = [("KM_ALLOWED_TEAM_LOCATIONS", ""), ("HCP_VAULT_PATH_PREFIX", "gateway")];
    let gateway = Gateway::new(&patterns).await?;
    let (own, other) = (secret("own"), secret("other"));
    gateway.run(&["store", "k"], &own).await?;
    gateway.fixture.put("team-b/litellm/k", json!({ "key": other })).await?;
    let allowed = format!("/{}:team-a", gateway.fixture.mount);
    for (allowed, prefix) in [
        ("", "team-b"),
        ("", "gateway"),
        ("", ""),
        (allowed.as_str(), "team-b"),
        (&allowed, "team-ab"),
        (&allowed, "gateway"),
        (&allowed, ""),
    ] {
        let team = json!({ "path_prefix": prefix }).to_string();
        for arguments in KEY_COMMANDS {
            let km = || {
                let km = gateway.key(arguments).args(["--team-settings", &team]);
                km.env("KM_ALLOWED_TEAM_LOCATIONS", allowed).stdin("value")
            };
            contains_all(&fails(km, 5, "denied").await?, &["KM_ALLOWED_TEAM_LOCATIONS"])?;
        }
    }
    assert_eq!(gateway.stored("gateway/litellm/k").await?, Some(json!({ "key": own })));
    assert_eq!(gateway.stored("team-b/litellm/k").await?, Some(json!({ "key": other })));
    Ok(())
}

#[tokio::test]
async fn denied_team_mount_is_reported_and_nothing_is_stored_elsewhere() -> Result<()> {
    let team = team_mount("teams/team-b").await?;
    let gateway = Gateway::new(&[]).await?;
    let with_mount = |mount: &str| json!({ "mount": mount }).to_string();
    let denied = (5, "denied", "/data/litellm/alias");
    let missing_namespace = match gateway.fixture.server().flavor() {
        Flavor::Vault => denied,
        Flavor::OpenBao => (6, "not_found", "namespace not found"),
    };
    for (settings, (code, kind, cause)) in [
        (with_mount(&team.mount), denied),
        (with_mount("no-such-mount"), denied),
        (json!({ "namespace": "no/such", "mount": "kv" }).to_string(), missing_namespace),
    ] {
        let arguments = ["store", "alias", "--team-settings", &settings];
        let stderr = fails(|| gateway.key(&arguments).stdin(secret("key")), code, kind).await?;
        contains_all(&stderr, &["store the key alias", cause])?;
    }
    assert_eq!(team.get("litellm/alias").await?.0, 404);
    assert_eq!(gateway.stored("litellm/alias").await?, None);
    // With a root token, a missing mount is reported as not found.
    let root = gateway.fixture.server().root_token();
    let km = || {
        let km = gateway.key(&["store", "alias", "--team-settings", r#"{"mount":"no-such"}"#]);
        km.env("KM_AUTH_METHOD", "token").env("HCP_VAULT_TOKEN", root).stdin(secret("key"))
    };
    contains_all(&fails(km, 6, "not_found").await?, &["`mount` in the team's settings"])?;
    assert_eq!(gateway.stored("litellm/alias").await?, None);
    Ok(())
}

#[tokio::test]
async fn hostile_team_settings_are_rejected_before_any_request() -> Result<()> {
    for (settings, why) in [
        (r#"{"mount":1}"#, "must be text"),
        (r#"{"namespace":["a"]}"#, "must be text"),
        (r#"{"path_prefix":true}"#, "must be text"),
        (r#"{"path_prefix":"../x"}"#, "`.` or `..`"),
        (r#"{"path_prefix":"%2e%2e/x"}"#, "`.` or `..`"),
        (r#"{"mount":"a//b"}"#, "empty segment"),
        (r#"{"mount":"a\u0000b"}"#, "U+0000"),
        (r#"{"mount":"kv/data/other"}"#, "another mount"),
        (r#"{"namespace":"kv/metadata","mount":"x"}"#, "another mount"),
        (r#"{"namespace":"sys","mount":"policies"}"#, "`sys`"),
        (r#"{"mount":"auth/token"}"#, "`auth`"),
        (r#"{"prefix":"x"}"#, "path_prefix"),
        (r#"{"mount":"a","mount":"b"}"#, "duplicate key"),
        ("[]", "JSON object"),
        ("not json", "JSON"),
        ("@/nonexistent/team.json", "cannot read the file: not found"),
    ] {
        let stderr = rejected("settings", |km| {
            let km = km.env("KM_STORE_VIRTUAL_KEYS", "true").stdin("value");
            km.args(["key", "store", "alias", "--team-settings", settings])
        })
        .await?;
        contains_all(&stderr, &[why])?;
    }
    Ok(())
}

#[tokio::test]
async fn description_in_the_field_of_the_key_is_rejected() -> Result<()> {
    let team = r#"{"data":" description "}"#;
    let store = ["key", "store", "alias", "--team-settings", team];
    rejected("usage", |km| {
        let km = km.env("KM_STORE_VIRTUAL_KEYS", "true").stdin("value");
        km.args(store).args(["--description", "text"])
    })
    .await?;
    rejected("settings", |km| {
        let km = km.env("KM_STORE_VIRTUAL_KEYS", "true").env("KM_DESCRIPTION", "text");
        km.args(store).stdin("value")
    })
    .await?;
    // Without a description it works, and a rotation omits its own.
    let gateway = Gateway::new(&[]).await?;
    let (first, second) = (secret("key"), secret("key"));
    gateway.run(&["store", "alias", "--team-settings", team], &first).await?;
    assert_eq!(gateway.stored("litellm/alias").await?, Some(json!({ "description": first })));
    gateway.run(&["rotate", "alias", "--to", "b", "--team-settings", team], &second).await?;
    assert_eq!(gateway.stored("litellm/b").await?, Some(json!({ "description": second })));
    assert_eq!(gateway.stored("litellm/alias").await?, None);
    Ok(())
}

#[tokio::test]
async fn team_above_the_global_prefix_does_not_reach_below_it() -> Result<()> {
    let gateway = Gateway::new(&[("HCP_VAULT_PATH_PREFIX", "litellm")]).await?;
    let (own, provider) = (secret("own"), secret("provider"));
    gateway.fixture.put("litellm/OPENAI_API_KEY", json!({ "key": provider })).await?;
    gateway.run(&["store", "own"], &own).await?;
    let top = ["--team-settings", r#"{"path_prefix":""}"#];
    for name in ["OPENAI_API_KEY", "own"] {
        let store = [&["store", name][..], &top].concat();
        fails(|| gateway.key(&store).stdin(secret("key")), 5, "denied").await?;
    }
    let store = [&["store", "litellm/own"][..], &top].concat();
    fails(|| gateway.key(&store).stdin(secret("key")), 2, "usage").await?;
    assert_eq!(gateway.stored("litellm/OPENAI_API_KEY").await?, Some(json!({ "key": provider })));
    assert_eq!(gateway.stored("litellm/litellm/own").await?, Some(json!({ "key": own })));
    let listed = gateway.run(&[&["list"][..], &top].concat(), "").await?;
    assert_eq!(listed.text()?, "", "keys of others are listed");
    Ok(())
}
