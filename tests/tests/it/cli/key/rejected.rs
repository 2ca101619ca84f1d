//! Requests that the key commands reject before anything is sent: access modes, names, arguments.

use anyhow::Result;
use testkit::secret;

use crate::cli::common::{contains_all, fails, file, km_against, rejected};
use crate::cli::listener::Silent;

/// Each command and its kind of access.
const COMMANDS: [(&[&str], Access); 9] = [
    (&["store", "a"], Access::Write),
    (&["rotate", "a", "--to", "b"], Access::Write),
    (&["rename", "a", "b"], Access::Write),
    (&["delete", "a"], Access::Write),
    (&["read", "a"], Access::Read),
    (&["list"], Access::Read),
    (&["history", "a"], Access::Read),
    (&["undelete", "a"], Access::Write),
    (&["destroy", "a", "--version", "1"], Access::Write),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

#[tokio::test]
async fn access_mode_is_enforced_before_any_request() -> Result<()> {
    let silent = Silent::new()?;
    for (mode, allowed) in [("read_only", Access::Read), ("write_only", Access::Write)] {
        for (command, access) in COMMANDS {
            if access == allowed || (mode, command[0]) == ("read_only", "store") {
                continue;
            }
            let km = || {
                let km = km_against(&silent.address()).env("KM_ACCESS_MODE", mode);
                km.args(["key"]).args(command).stdin(secret("key"))
            };
            contains_all(&fails(km, 5, "denied").await?, &["access mode", mode, "KM_ACCESS_MODE"])?;
        }
    }
    assert_eq!(silent.connections()?, 0);
    Ok(())
}

#[tokio::test]
async fn hostile_alias_is_rejected_before_any_request() -> Result<()> {
    let long = "a".repeat(600);
    for alias in [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "../a",
        "a/../b",
        "%2e%2e",
        "a/%2E%2e/b",
        "a\nb",
        "a\u{0}b",
        "a\u{7f}b",
        "a\u{200b}b",
        "a\u{202e}b",
        "a\u{2028}b",
        "litellm/a",
        "a/litellm/b",
        &long,
    ] {
        // An argument cannot contain NUL.
        if alias.contains('\0') {
            continue;
        }
        for command in [
            &["store", alias][..],
            &["read", alias],
            &["rotate", alias],
            &["rotate", "a", "--to", alias],
            &["rename", alias, "b"],
            &["rename", "b", alias],
            &["delete", alias],
            &["history", alias],
            &["undelete", alias],
            &["destroy", alias, "--version", "1"],
            &["store", alias, "--explain"],
        ] {
            let stderr = rejected("usage", |km| {
                let km = km.env("KM_STORE_VIRTUAL_KEYS", "true").args(["key"]).args(command);
                km.stdin("value")
            })
            .await?;
            let control = stderr.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(control, None, "{alias:?}: {stderr:?}");
            assert!(stderr.len() < 400, "{alias:?}: {stderr:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn alias_without_a_key_prefix_must_be_one_segment() -> Result<()> {
    let stderr = rejected("usage", |km| {
        let km = km.env("KM_STORE_VIRTUAL_KEYS", "true").stdin("value");
        let km = km.env("KM_DANGER_SHARED_KEY_FOLDER", "true");
        km.env("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", "").args(["key", "store", "team-b/x"])
    })
    .await?;
    contains_all(&stderr, &["contains a slash", "prefix_for_stored_virtual_keys"])
}

#[tokio::test]
async fn key_folder_among_provider_secrets_is_rejected_by_every_command() -> Result<()> {
    for (prefix, (command, _)) in ["", "/"].iter().flat_map(|p| COMMANDS.map(|c| (*p, c))) {
        for store in ["true", "false"] {
            let stderr = rejected("settings", |km| {
                let km = km.env("KM_STORE_VIRTUAL_KEYS", store);
                let km = km.env("KM_ACCESS_MODE", "read_and_write");
                let km = km.env("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", prefix);
                km.args(["key"]).args(command).stdin("value")
            })
            .await?;
            contains_all(&stderr, &["among the provider secrets", "KM_DANGER_SHARED_KEY_FOLDER"])?;
        }
    }
    Ok(())
}

/// Covers names that the configuration references or hosts, with and without a key prefix.
#[tokio::test]
async fn alias_of_a_configured_provider_secret_is_denied_by_every_command() -> Result<()> {
    const NAMES: &str = "keys: [os.environ/REFERENCED, os.environ/litellm/REFERENCED]";
    let silent = Silent::new()?;
    let (_directory, config) = file(NAMES)?;
    for (prefix, alias) in
        ["", "litellm"].iter().flat_map(|prefix| ["HOSTED", "REFERENCED"].map(|a| (*prefix, a)))
    {
        for command in [
            &["store", alias][..],
            &["store", alias, "--explain"],
            &["read", alias],
            &["rotate", alias],
            &["rotate", "other", "--to", alias],
            &["rename", alias, "other"],
            &["rename", "other", alias],
            &["delete", alias],
            &["history", alias],
            &["undelete", alias],
            &["destroy", alias, "--version", "1"],
        ] {
            let km = || {
                let km = km_against(&silent.address()).env("KM_DANGER_SHARED_KEY_FOLDER", "true");
                let km = km.env("KM_HOSTED_KEYS", "HOSTED,litellm/HOSTED");
                let km = km.env("KM_STORE_VIRTUAL_KEYS", "true");
                let km = km.env("KM_ACCESS_MODE", "read_and_write").stdin("value");
                let km = km.env("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", prefix);
                km.args(["--config"]).args([&config]).args(["key"]).args(command)
            };
            contains_all(
                &fails(km, 5, "denied").await?,
                &["a provider secret in the configuration"],
            )?;
        }
    }
    assert_eq!(silent.connections()?, 0);
    Ok(())
}

#[tokio::test]
async fn invalid_arguments_of_key_commands_are_rejected() -> Result<()> {
    for arguments in [
        &["store"][..],
        &["store", "a", "--token-id", "b"],
        &["store", "--token-id", ""],
        &["store", "--token-id", "a/../b"],
        &["store", "a", "b"],
        &["rename", "a"],
        &["rename", "a", "a"],
        &["rename", "a", "b", "c"],
        &["list", "a"],
        &["read"],
        &["delete"],
        &["history"],
        &["undelete", "a", "b"],
        &["destroy", "a"],
        &["rotate", "a", "--to"],
        &["forget", "a"],
    ] {
        rejected("usage", |km| {
            let km = km.env("KM_STORE_VIRTUAL_KEYS", "true").args(["key"]).args(arguments);
            km.stdin("value")
        })
        .await?;
    }
    // An empty value has to be allowed explicitly.
    for command in [&["store", "a"][..], &["rotate", "a"]] {
        let stderr = rejected("usage", |km| {
            km.env("KM_STORE_VIRTUAL_KEYS", "true").args(["key"]).args(command).stdin("\n")
        })
        .await?;
        contains_all(&stderr, &["--allow-empty"])?;
    }
    Ok(())
}
