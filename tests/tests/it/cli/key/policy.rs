//! `km check --policy`, and the capabilities that `km check` verifies.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Fixture, Km, Server, secret};

use super::common::{Gateway, team_mount};
use crate::cli::check::report::expect_steps;
use crate::cli::common::{contains_all, km_against, writer};
use crate::cli::listener::Silent;

#[tokio::test]
async fn policy_is_printed_without_a_request() -> Result<()> {
    let silent = Silent::new()?;
    let policy = async |settings: &[(&str, &str)]| -> Result<String> {
        let km = settings.iter().fold(km_against(&silent.address()), |km, (n, v)| km.env(n, v));
        Ok(km.args(["check", "--policy"]).run().await?.expect(0)?.text()?.to_owned())
    };
    let token_paths = [
        r#"path "auth/token/lookup-self" {"#,
        r#"path "auth/token/renew-self" {"#,
        r#"path "auth/token/revoke-self" {"#,
        r#"path "sys/capabilities-self" {"#,
    ];
    for (settings, paths) in [
        (&[][..], &[(r#""secret/data/*""#, "read"), (r#""secret/metadata/*""#, "list, read")][..]),
        (
            &[("KM_HOSTED_KEYS", "A,B"), ("HCP_VAULT_PATH_PREFIX", "gw")],
            &[
                (r#""secret/data/gw/A""#, "read"),
                (r#""secret/metadata/gw/A""#, "list, read"),
                (r#""secret/data/gw/B""#, "read"),
                (r#""secret/metadata/gw/B""#, "list, read"),
                (r#""secret/metadata/gw/*""#, "list"),
            ],
        ),
        (&[("KM_HOSTED_KEYS", "")], &[]),
        (
            &[("KM_ACCESS_MODE", "write_only"), ("HCP_VAULT_NAMESPACE", "a")],
            &[
                (r#""secret/data/*""#, "create, update, delete, read"),
                (r#""secret/metadata/*""#, "create, update, delete"),
            ],
        ),
        (
            &[
                ("KM_STORE_VIRTUAL_KEYS", "true"),
                ("KM_HOSTED_KEYS", "A"),
                ("KM_ALLOWED_TEAM_LOCATIONS", "teams/*/kv,/own,/shared:teams/*"),
            ],
            &[
                (r#""secret/data/A""#, "read, create, update, delete"),
                (r#""secret/metadata/A""#, "list, read, create, update, delete"),
                (r#""secret/metadata/*""#, "list"),
                (r#""secret/data/litellm/*""#, "create, read, update, delete"),
                (r#""secret/metadata/litellm/*""#, "list, read, create, update, delete"),
                (r#""teams/+/kv/data/*""#, "create, read, update, delete"),
                (r#""teams/+/kv/metadata/*""#, "list, read"),
                (r#""own/data/*""#, "create, read, update, delete"),
                (r#""own/metadata/*""#, "list, read"),
                (r#""shared/data/teams/+/*""#, "create, read, update, delete"),
                (r#""shared/metadata/teams/+/*""#, "list, read"),
            ],
        ),
    ] {
        let text = policy(settings).await?;
        let stanzas: Vec<_> = text.lines().filter(|line| line.starts_with("path ")).collect();
        let expected = paths.iter().map(|(path, _)| format!("path {path} {{"));
        let expected: Vec<_> = expected.chain(token_paths.map(str::to_owned)).collect();
        assert_eq!(stanzas, expected, "{settings:?}");
        for (path, rights) in paths {
            let rights = rights.split(", ").map(|right| format!("\"{right}\""));
            let rights = rights.collect::<Vec<_>>().join(", ");
            contains_all(&text, &[&format!("path {path} {{\n  capabilities = [{rights}]\n}}")])?;
        }
    }
    // In a namespace, that is the policy of the namespace. That of the root namespace follows.
    let in_root = "\n# path \"a/secret/data/*\" {\n#   capabilities = [\"read\"]\n# }\n";
    contains_all(&policy(&[("HCP_VAULT_NAMESPACE", "a")]).await?, &[in_root])?;
    let stores = ("KM_STORE_VIRTUAL_KEYS", "true");
    contains_all(&policy(&[stores]).await?, &["Set KM_ALLOWED_TEAM_LOCATIONS"])?;
    let patterns = [stores, ("KM_ALLOWED_TEAM_LOCATIONS", "teams/kv-*")];
    contains_all(
        &policy(&patterns).await?,
        &["# teams/kv-*: a policy can't express this pattern"],
    )?;
    let document = km_against(&silent.address()).args(["check", "--policy", "--json"]);
    let document: Value = serde_json::from_slice(&document.run().await?.expect(0)?.stdout)?;
    assert_eq!(document, json!({ "policy": policy(&[]).await? }));
    assert_eq!(silent.connections()?, 0);
    Ok(())
}

/// Fails unless the fixture's login is denied this request, sent by a plain client.
async fn is_denied(fixture: &Fixture, method: &str, path: &str) -> Result<()> {
    let token = fixture.login().await?;
    let body = (method == "POST").then(|| json!({ "data": { "key": secret("key") } }));
    let raw = fixture.server().raw();
    let (status, response) = raw.call(method, path, Some(&token), body).await?;
    assert_eq!(status, 403, "{method} {path}: {response}");
    Ok(())
}

#[tokio::test]
async fn printed_policy_allows_what_is_needed_and_no_more() -> Result<()> {
    let team = team_mount("teams/policy").await?;
    let name = team.mount.trim_start_matches("teams/policy/");
    let settings = [
        ("KM_HOSTED_KEYS", "A"),
        ("HCP_VAULT_PATH_PREFIX", "gw"),
        ("KM_ALLOWED_TEAM_LOCATIONS", &format!("teams/*/{name}:keys")),
    ];
    let gateway = Gateway::new(&settings).await?;
    expect_steps(
        || gateway.km(),
        0,
        &["settings ok", "server ok", "login ok", "mount ok", "rights ok", "rights ok"],
    )
    .await?;
    let value = secret("key");
    gateway.km().args(["write", "A"]).stdin(value.as_str()).run().await?.expect(0)?;
    assert_eq!(gateway.km().args(["read", "A"]).run().await?.expect(0)?.text()?, value);
    let team_settings =
        json!({ "namespace": "teams/policy", "mount": name, "path_prefix": "keys/a" }).to_string();
    for team in [&[][..], &["--team-settings", &team_settings]] {
        for arguments in [
            &["store", "a"][..],
            &["rotate", "a"],
            &["rename", "a", "b"],
            &["read", "b"],
            &["list"],
            &["delete", "b"],
        ] {
            gateway.run(&[arguments, team].concat(), &value).await?;
        }
    }
    let (fixture, mount) = (&gateway.fixture, &gateway.fixture.mount);
    is_denied(fixture, "POST", &format!("{mount}/data/gw/B")).await?;
    is_denied(fixture, "GET", &format!("{mount}/data/other/A")).await?;
    is_denied(fixture, "POST", &format!("{mount}/data/litellm/a")).await?;
    is_denied(fixture, "POST", &format!("{mount}/destroy/gw/litellm/b")).await?;
    is_denied(fixture, "GET", &format!("{mount}/metadata/gw/B")).await?;
    is_denied(fixture, "DELETE", &format!("{mount}/metadata/gw/B")).await?;
    is_denied(fixture, "LIST", &format!("{mount}/metadata/other")).await?;
    is_denied(fixture, "LIST", &format!("{mount}/metadata")).await
}

#[tokio::test]
async fn policy_is_printed_without_a_login() -> Result<()> {
    let silent = Silent::new()?;
    for settings in [
        &[][..],
        &[("KM_AUTH_METHOD", "approle")],
        &[("HCP_VAULT_APPROLE_ROLE_ID", "half-a-login")],
        &[("KM_TOKEN_FILE", "/nonexistent/token"), ("KM_CA_CERT", "/nonexistent/ca.pem")],
    ] {
        let km = Km::new().env("HCP_VAULT_ADDR", silent.address());
        let km = settings.iter().fold(km, |km, (name, value)| km.env(name, value));
        let output = km.args(["check", "--policy"]).run().await?.expect(0)?;
        contains_all(output.text()?, &[r#"path "secret/data/*""#])?;
        assert_eq!(output.stderr, "", "{settings:?}");
    }
    assert_eq!(silent.connections()?, 0);
    let km = Km::new().env("HCP_VAULT_MOUNT_NAME", "a/../b").args(["check", "--policy"]);
    contains_all(&km.run().await?.expect(2)?.stderr, &["HCP_VAULT_MOUNT_NAME"])
}

#[tokio::test]
async fn capabilities_for_virtual_keys_are_checked() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let rules = format!(
        r#"path "{0}/data/*" {{ capabilities = ["create", "read", "update", "delete"] }}
           path "{0}/data/litellm/*" {{ capabilities = ["create", "read", "update"] }}"#,
        fixture.mount
    );
    let path = format!("sys/policies/acl/{}", fixture.policy);
    fixture.server().must("PUT", &path, json!({ "policy": rules })).await?;
    let storing = || writer(&fixture).env("KM_STORE_VIRTUAL_KEYS", "true");
    let all = ["settings ok", "server ok", "login ok", "mount ok", "rights ok", "rights failed"];
    expect_steps(storing, 5, &all).await?;
    let output = storing().args(["check"]).run().await?.expect(5)?;
    contains_all(output.text()?, &["the token lacks delete", "/data/litellm/"])
}

#[tokio::test]
async fn team_pattern_without_a_path_prefix_is_a_warning() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let km = |patterns: &str| fixture.km().env("KM_ALLOWED_TEAM_LOCATIONS", patterns);
    let rest = ["server ok", "login ok", "mount ok", "rights ok"];
    let free = [&["settings ok", "settings warning", "settings warning"][..], &rest].concat();
    expect_steps(|| km("teams/*/kv,/own,/shared:a"), 0, &free).await?;
    let output = km("teams/*/kv,/own,/shared:a").args(["check"]).run().await?.expect(0)?;
    contains_all(output.text()?, &["`teams/*/kv` has no path prefix", "`/own:PREFIX`"])?;
    expect_steps(|| km("/shared:a"), 0, &[&["settings ok"][..], &rest].concat()).await
}
