//! Commands on versions that fail: access mode, names, permissions, mounts and arguments.

use anyhow::Result;
use serde_json::json;
use testkit::{Engine, FixtureSpec, Server, secret};

use crate::cli::common::{NAME, contains_all, fails, km_against, rejected, writer};
use crate::cli::listener::Silent;

const COMMANDS: [&[&str]; 3] =
    [&["history", NAME], &["undelete", NAME], &["destroy", NAME, "--version", "1"]];

#[tokio::test]
async fn access_mode_is_enforced_before_any_request() -> Result<()> {
    let silent = Silent::new()?;
    for (mode, command) in
        [("write_only", COMMANDS[0]), ("read_only", COMMANDS[1]), ("read_only", COMMANDS[2])]
    {
        let km = || km_against(&silent.address()).env("KM_ACCESS_MODE", mode).args(command);
        contains_all(&fails(km, 5, "denied").await?, &["access mode", mode, "KM_ACCESS_MODE"])?;
    }
    assert_eq!(silent.connections()?, 0);
    Ok(())
}

#[tokio::test]
async fn virtual_key_is_denied_before_any_request() -> Result<()> {
    let silent = Silent::new()?;
    for name in ["litellm/alias", "team-b/litellm/alias"] {
        for command in [
            &["history", name][..],
            &["undelete", name],
            &["undelete", name, "--version", "1"],
            &["destroy", name, "--version", "1"],
        ] {
            let km = || {
                let km = km_against(&silent.address()).env("KM_ACCESS_MODE", "read_and_write");
                km.args(command)
            };
            let stderr = fails(km, 5, "denied").await?;
            contains_all(&stderr, &["virtual keys are not provider secrets", "km key"])?;
        }
    }
    assert_eq!(silent.connections()?, 0);
    Ok(())
}

#[tokio::test]
async fn invalid_arguments_are_usage_errors() -> Result<()> {
    for arguments in [
        &["history"][..],
        &["history", NAME, "other"],
        &["history", NAME, "--limit", "0"],
        &["history", NAME, "--version", "1"],
        &["history", "a/../b"],
        &["history", "oidc/google"],
        &["undelete"],
        &["undelete", NAME, "--version"],
        &["undelete", NAME, "--version", "1", "--version", "2"],
        &["undelete", "a//b"],
        &["destroy", NAME],
        &["destroy", NAME, "1"],
        &["destroy", "--version", "1"],
        &["destroy", "../a", "--version", "1"],
    ] {
        let km = |km: testkit::Km| km.env("KM_ACCESS_MODE", "read_and_write").args(arguments);
        rejected("usage", km).await?;
    }
    Ok(())
}

#[tokio::test]
async fn missing_permission_is_exit_5() -> Result<()> {
    let policy = |mount: &str| {
        format!(
            r#"path "{mount}/data/*" {{ capabilities = ["create", "read", "update", "delete"] }}
            path "{mount}/metadata/readable" {{ capabilities = ["read"] }}"#
        )
    };
    let spec = FixtureSpec { policy: Some(policy), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    for name in ["readable", "other"] {
        fixture.put(name, json!({ "key": secret("value") })).await?;
        writer(&fixture).args(["delete", name]).run().await?.expect(0)?;
    }
    for (command, path) in [
        (&["history", "other"][..], "metadata/other"),
        (&["undelete", "other", "--version", "1"], "metadata/other"),
        (&["destroy", "other", "--version", "1"], "metadata/other"),
        (&["undelete", "readable"], "undelete/readable"),
        (&["destroy", "readable", "--version", "1"], "destroy/readable"),
    ] {
        let stderr = fails(|| writer(&fixture).args(command), 5, "denied").await?;
        contains_all(&stderr, &["permission denied", path])?;
    }
    Ok(())
}

#[tokio::test]
async fn missing_mount_is_exit_6_and_version_1_mount_exit_8() -> Result<()> {
    let spec = FixtureSpec { engine: Engine::V1, ..Default::default() };
    let first = Server::shared().await?.fixture_with(spec).await?;
    let missing = Server::shared().await?.fixture().await?;
    missing.server().must("DELETE", &format!("sys/mounts/{}", missing.mount), None).await?;
    for command in COMMANDS {
        let stderr = fails(|| writer(&first).args(command), 8, "stored_value").await?;
        contains_all(&stderr, &["version 1", "HCP_VAULT_MOUNT_NAME"])?;
        let stderr = fails(|| writer(&missing).args(command), 6, "not_found").await?;
        contains_all(&stderr, &["no secrets engine is mounted", "HCP_VAULT_MOUNT_NAME"])?;
    }
    Ok(())
}

#[tokio::test]
async fn lost_response_to_a_change_is_exit_7() -> Result<()> {
    use crate::cli::listener::{Reply, Scripted, mount_of_version_2};

    let deleted = json!({ "created_time": "2026-01-01T00:00:00Z",
        "deletion_time": "2026-01-02T00:00:00Z", "destroyed": false });
    let metadata = json!({ "current_version": 1, "oldest_version": 0, "max_versions": 0,
        "cas_required": false, "delete_version_after": "0s", "custom_metadata": null,
        "created_time": "2026-01-01T00:00:00Z", "updated_time": "2026-01-01T00:00:00Z",
        "versions": { "1": deleted } });
    for command in [COMMANDS[1], COMMANDS[2]] {
        let metadata = json!({ "data": metadata });
        let server = Scripted::new(move |request| {
            if request.starts_with("GET /v1/sys/internal/ui/mounts/") {
                mount_of_version_2()
            } else if request.starts_with("GET") {
                Reply::Json(200, metadata.clone())
            } else {
                Reply::Close
            }
        })?;
        let km = || {
            let km = km_against(&server.address()).env("KM_ACCESS_MODE", "read_and_write");
            km.args(command)
        };
        let stderr = fails(km, 7, "conflict").await?;
        contains_all(
            &stderr,
            &[&format!("km: {} {NAME}: ", command[0]), "may have been executed"],
        )?;
    }
    Ok(())
}
