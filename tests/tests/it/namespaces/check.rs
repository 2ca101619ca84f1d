//! A missing namespace: `km check` names it, and every command exits with 6.

use anyhow::Result;
use serde_json::json;
use testkit::{Flavor, Km, Server, secret};

use super::{fixture, km, namespace_below};
use crate::cli::check::report::expect_steps;
use crate::cli::common::{NAME, contains_all, fails};

/// Namespaces of the login and of the secrets, the steps of `km check`, and the texts that name what
/// is missing.
type Case<'a> = (&'a str, &'a str, &'a [&'a str], &'a [&'a str]);

#[tokio::test]
async fn missing_namespace_is_named_by_the_step_that_needs_it() -> Result<()> {
    let server = Server::shared().await?;
    if server.skips_unless(Flavor::OpenBao) {
        return Ok(());
    }
    let parent = namespace_below(server, "").await?;
    let fixture = fixture(server, &parent, &parent).await?;
    let (gone, other) = (format!("{parent}/gone"), format!("{parent}/other"));
    let in_gone = format!("in namespace {gone}: namespace not found");
    let in_other = format!("in namespace {other}: namespace not found");
    let (login_hint, secrets_hint) = (
        "check HCP_VAULT_LOGIN_NAMESPACE and HCP_VAULT_NAMESPACE",
        "check HCP_VAULT_SECRET_NAMESPACE and HCP_VAULT_NAMESPACE",
    );
    let head = ["settings ok", "server ok"];
    let skipped = ["mount skipped", "rights skipped"];
    let login_failed = [&head[..], &["login failed"], &skipped[..]].concat();
    let both_failed = [&head[..], &["login failed", "mount failed", "rights skipped"]].concat();
    let mount_failed = [&head[..], &["login ok", "mount failed"]].concat();
    let cases: [Case<'_>; 3] = [
        (&gone, &gone, &login_failed, &[&in_gone, login_hint]),
        (&parent, &gone, &mount_failed, &[&in_gone, secrets_hint]),
        (&gone, &format!("{gone}/child"), &both_failed, &[&in_gone, "/child", login_hint]),
    ];
    for (login, secrets, steps, texts) in cases {
        let km = || {
            let km = km(&fixture).env("HCP_VAULT_LOGIN_NAMESPACE", login);
            km.env("HCP_VAULT_SECRET_NAMESPACE", secrets)
        };
        let output = km().args(["check"]).run().await?.expect(6)?;
        contains_all(output.text()?, texts)?;
        let shown: Vec<_> = output.text()?.lines().collect();
        assert!(steps.len() <= shown.len(), "{shown:?}");
        if steps.last() != Some(&"mount failed") || login == gone {
            expect_steps(km, 6, steps).await?;
        }
        fails(|| km().args(["read", NAME]), 6, "not_found").await?;
    }
    // A token needs no login, so that its look-up reports the namespace.
    let token = fixture.token(json!({})).await?;
    let km = || {
        let km = km(&fixture).env("KM_AUTH_METHOD", "token").env("HCP_VAULT_TOKEN", &token);
        km.env("HCP_VAULT_LOGIN_NAMESPACE", &other)
    };
    let output = km().args(["check"]).run().await?.expect(6)?;
    contains_all(output.text()?, &[&in_other, login_hint])
}

/// Every token, whatever it may do in the namespaces that exist.
#[tokio::test]
async fn missing_namespace_is_exit_6_and_never_answered_by_the_environment() -> Result<()> {
    let server = Server::shared().await?;
    if server.skips_unless(Flavor::OpenBao) {
        return Ok(());
    }
    let parent = namespace_below(server, "").await?;
    let fixture = fixture(server, &parent, &parent).await?;
    let gone = format!("{parent}/gone");
    let with_token = |token: &str| {
        let km = km(&fixture).env("KM_AUTH_METHOD", "token").env("HCP_VAULT_TOKEN", token);
        km.env("HCP_VAULT_SECRET_NAMESPACE", &gone)
    };
    let root = server.root_token();
    let logins: [&dyn Fn() -> Km; 4] = [
        &|| km(&fixture).env("HCP_VAULT_LOGIN_NAMESPACE", &gone),
        &|| km(&fixture).env("HCP_VAULT_SECRET_NAMESPACE", &gone),
        &|| with_token(root),
        &|| km(&fixture).env("HCP_VAULT_LOGIN_NAMESPACE", &gone).env("HCP_VAULT_NAMESPACE", &gone),
    ];
    for login in logins {
        for fallback in ["never", "on_missing", "on_error"] {
            let km = || login().env("KM_FALLBACK", fallback).env(NAME, secret("environment"));
            let stderr = fails(|| km().args(["read", NAME]), 6, "not_found").await?;
            contains_all(&stderr, &[&format!("in namespace {gone}: namespace not found")])?;
            let exec = km().args(["exec", "--only", NAME, "--", "true"]);
            exec.run().await?.expect(6)?;
        }
        for arguments in [&["list"][..], &["write", NAME], &["delete", NAME]] {
            let km = || {
                let km = login().env("KM_ACCESS_MODE", "read_and_write");
                km.args(arguments).stdin(secret("value"))
            };
            let stderr = fails(km, 6, "not_found").await?;
            contains_all(&stderr, &["namespace not found", "create the namespace"])?;
        }
    }
    Ok(())
}
