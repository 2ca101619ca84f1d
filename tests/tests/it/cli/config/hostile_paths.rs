//! Names, mounts, prefixes and namespaces that attempt path traversal: rejected before a request is
//! sent.

use anyhow::Result;
use testkit::Km;

use crate::cli::common::{NAME, contains_all, rejected};

/// Returns values that no part of a path may have.
fn hostile() -> Vec<String> {
    let long = "a".repeat(600);
    [
        ".",
        "..",
        "a/../b",
        "../sys",
        "a/..",
        "a/./b",
        "%2e%2e",
        "%2E%2e",
        "a/%2e%2e/b",
        "a/.%2e/b",
        "%2e",
        "a//b",
        "a\u{1}b",
        "a\nb",
        "a\rb",
        "a\tb",
        "a\u{7f}b",
        "a\u{85}b",
        "a\u{200b}b",
        "a\u{202e}b",
        "a\u{feff}b",
        "a\u{2028}b",
        "a\u{2029}b",
        &long,
    ]
    .map(str::to_owned)
    .to_vec()
}

#[tokio::test]
async fn hostile_secret_name_is_rejected_before_any_request() -> Result<()> {
    let at_the_ends =
        ["", "/", "/a", "a/", "a/b/", "os.environ/", "os.environ/../a", "os.environ//a"];
    for name in hostile().into_iter().chain(at_the_ends.map(str::to_owned)) {
        for command in ["read", "write", "delete"] {
            let stderr = rejected("usage", |km| {
                let km = km.env("KM_ACCESS_MODE", "read_and_write").env(&name, "fallback");
                km.args([command, &name]).stdin("value")
            })
            .await?;
            contains_all(&stderr, &["km: ", "name"])?;
            let control = stderr.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(control, None, "{name:?}: {stderr:?}");
            assert!(stderr.len() < 400, "{name:?}: {stderr:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn hostile_name_that_vault_does_not_host_is_rejected() -> Result<()> {
    for name in ["..", "%2e%2e", "a\u{200b}b"] {
        for mode in [("KM_ACCESS_MODE", "write_only"), ("KM_HOSTED_KEYS", "OTHER")] {
            rejected("usage", |km| km.env(mode.0, mode.1).args(["read", name])).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn hostile_folder_is_rejected_before_any_request() -> Result<()> {
    for folder in hostile() {
        let stderr = rejected("usage", |km| km.args(["list", &folder])).await?;
        contains_all(&stderr, &["km: "])?;
    }
    Ok(())
}

async fn hostile_setting_is_rejected(variable: &str) -> Result<()> {
    for value in hostile() {
        let set = |km: Km| km.env_remove(variable).env(variable, &value);
        let stderr = rejected("settings", |km| set(km).args(["read", NAME])).await?;
        contains_all(&stderr, &["km: settings: ", variable, "hint: "])?;
        let control = stderr.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(control, None, "{value:?}: {stderr:?}");
    }
    Ok(())
}

#[tokio::test]
async fn hostile_mount_is_rejected_before_any_request() -> Result<()> {
    hostile_setting_is_rejected("HCP_VAULT_MOUNT_NAME").await
}

#[tokio::test]
async fn hostile_prefix_is_rejected_before_any_request() -> Result<()> {
    hostile_setting_is_rejected("HCP_VAULT_PATH_PREFIX").await?;
    hostile_setting_is_rejected("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS").await
}

#[tokio::test]
async fn hostile_namespace_is_rejected_before_any_request() -> Result<()> {
    hostile_setting_is_rejected("HCP_VAULT_NAMESPACE").await?;
    hostile_setting_is_rejected("HCP_VAULT_LOGIN_NAMESPACE").await?;
    hostile_setting_is_rejected("HCP_VAULT_SECRET_NAMESPACE").await
}

#[tokio::test]
async fn hostile_auth_mount_is_rejected_before_any_request() -> Result<()> {
    for value in hostile() {
        let stderr = rejected("settings", |km| {
            km.env("HCP_VAULT_APPROLE_ROLE_ID", "role")
                .env("HCP_VAULT_APPROLE_SECRET_ID", "secret")
                .env("HCP_VAULT_APPROLE_MOUNT_PATH", &value)
                .args(["read", NAME])
        })
        .await?;
        contains_all(&stderr, &["HCP_VAULT_APPROLE_MOUNT_PATH"])?;
    }
    Ok(())
}
