//! Each policy that `km check --policy` prints works in the namespace that it names, and gives
//! access to no other mount.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::{Engine, Flavor, Km, Server, secret};

use super::{join, namespace_below, token_with};
use crate::cli::common::{NAME, contains_all};

const MOUNT: &str = "kv-policy";

/// Returns `km` with a login and secrets in these namespaces. The token is missing.
fn settings(login: &str, secrets: &str) -> Km {
    Km::new()
        .env("HCP_VAULT_LOGIN_NAMESPACE", login)
        .env("HCP_VAULT_SECRET_NAMESPACE", secrets)
        .env("HCP_VAULT_MOUNT_NAME", MOUNT)
        .env("HCP_VAULT_PATH_PREFIX", "gw")
        .env("KM_ACCESS_MODE", "read_and_write")
        .env("KM_STORE_VIRTUAL_KEYS", "true")
}

/// Returns the printed document, and the policies by the namespace in which each is to be written.
async fn policies(km: impl Fn() -> Km) -> Result<(String, Vec<(String, String)>)> {
    let text = km().args(["check", "--policy"]).run().await?.expect(0)?;
    let document = km().args(["check", "--policy", "--json"]).run().await?.expect(0)?;
    let document: Value = serde_json::from_slice(&document.stdout)?;
    assert_eq!(document["policy"], json!(text.text()?));
    let policies = document["policies"].as_array().context("no policies")?;
    let part = |policy: &Value, name: &str| policy[name].as_str().map(str::to_owned);
    let policies = policies.iter().map(|policy| {
        let namespace = part(policy, "namespace").context("no namespace")?;
        let namespace = if namespace == "root" { String::new() } else { namespace };
        Ok((namespace, part(policy, "policy").context("no policy")?))
    });
    Ok((text.text()?.to_owned(), policies.collect::<Result<_>>()?))
}

/// Uses everything that the policy allows.
async fn use_every_command(km: impl Fn() -> Km) -> Result<()> {
    let run = async |arguments: &[&str]| {
        let output = km().args(arguments).stdin(secret("value")).run().await?;
        output.expect(0).with_context(|| arguments.join(" "))
    };
    let check = run(&["check"]).await?;
    assert!(!check.text()?.contains("may not read its own"), "{}", check.text()?);
    run(&["write", NAME]).await?;
    run(&["read", NAME]).await?;
    // A folder of deleted keys may be listed too.
    contains_all(run(&["list"]).await?.text()?, &[&format!("{NAME}\n")])?;
    run(&["key", "store", "alias"]).await?;
    run(&["key", "rotate", "alias", "--to", "beta"]).await?;
    run(&["key", "rename", "beta", "gamma"]).await?;
    assert_eq!(run(&["key", "list"]).await?.text()?, "gamma\n");
    run(&["key", "delete", "gamma"]).await?;
    run(&["delete", NAME]).await.map(drop)
}

/// Fails if the token can use a mount, in any form of the path.
async fn cannot_use(server: &Server, token: &str, namespace: &str) -> Result<()> {
    let name = format!("{MOUNT}/data/gw/{NAME}");
    let by_header = [("X-Vault-Token", token), ("X-Vault-Namespace", namespace)];
    let body = || Some(json!({ "data": { "key": "stolen" } }));
    for (method, path, headers) in [
        ("GET", join(namespace, &name), &by_header[..1]),
        ("GET", name.clone(), &by_header),
        ("POST", join(namespace, &name), &by_header[..1]),
        ("DELETE", name.clone(), &by_header),
        ("LIST", join(namespace, &format!("{MOUNT}/metadata/gw/")), &by_header[..1]),
    ] {
        let body = if method == "POST" { body() } else { None };
        let (status, answer) = server.raw().exchange(method, &path, headers, body).await?;
        ensure!(status == 403, "{method} {path} in `{namespace}`: {status} {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn each_printed_policy_works_in_its_namespace_and_reaches_no_other_mount() -> Result<()> {
    let server = Server::shared().await?;
    if server.skips_unless(Flavor::OpenBao) {
        return Ok(());
    }
    let parent = namespace_below(server, "").await?;
    let [child, sibling] =
        [namespace_below(server, &parent).await?, namespace_below(server, &parent).await?];
    // A mount of the same name in every namespace around the one of the secrets.
    let below = namespace_below(server, &child).await?;
    for namespace in [&parent, &child, &sibling, &below] {
        server.mount_in(namespace, MOUNT, Engine::V2).await?;
        let path = format!("{namespace}/{MOUNT}/data/gw/{NAME}");
        server.must("POST", &path, json!({ "data": { "key": secret("other") } })).await?;
    }
    for (login, expected) in [
        ("", &["", child.as_str()][..]),
        (&parent, &[&parent, &child, ""]),
        (&child, &[&child, ""]),
    ] {
        let (text, policies) = policies(|| settings(login, &child)).await?;
        let namespaces: Vec<_> = policies.iter().map(|(namespace, _)| namespace.as_str()).collect();
        assert_eq!(namespaces, expected);
        // The document as a whole is the first policy; the others are comments.
        let whole = (login.to_owned(), text);
        for (namespace, policy) in policies.iter().chain([&whole]) {
            let place = if namespace.is_empty() { "root namespace" } else { namespace };
            contains_all(policy, &[&format!("to be written in the"), place])?;
            let token = token_with(server, namespace, policy).await?;
            let path = format!("{child}/{MOUNT}/metadata/gw/{NAME}");
            server.api("DELETE", &path, None).await?;
            let km = || {
                let km = settings(login, &child).env("HCP_VAULT_ADDR", server.address());
                km.env("HCP_VAULT_TOKEN", &token)
            };
            let context = || format!("login in `{login}`, policy in `{namespace}`");
            use_every_command(km).await.with_context(context)?;
            for other in [&parent, &sibling, &below] {
                cannot_use(server, &token, other).await.with_context(context)?;
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn team_patterns_are_relative_to_the_namespace_of_the_policy() -> Result<()> {
    let server = Server::shared().await?;
    if server.skips_unless(Flavor::OpenBao) {
        return Ok(());
    }
    let parent = namespace_below(server, "").await?;
    let child = namespace_below(server, &parent).await?;
    server.mount_in(&parent, MOUNT, Engine::V2).await?;
    server.mount_in(&child, MOUNT, Engine::V2).await?;
    let allowed = format!("{parent}/*/{MOUNT}:team,/outside:team");
    let settings = || settings(&parent, &parent).env("KM_ALLOWED_TEAM_LOCATIONS", allowed.clone());
    let (_, policies) = policies(settings).await?;
    let team = json!({ "namespace": child, "mount": MOUNT, "path_prefix": "team/a" }).to_string();
    for (namespace, policy) in &policies {
        let outside = "# outside/data/team/*: outside this namespace";
        assert_eq!(policy.contains(outside), namespace == &parent, "{policy}");
        let token = token_with(server, namespace, policy).await?;
        for arguments in [["store", "alias"].as_slice(), &["list"], &["delete", "alias"]] {
            let km = settings().env("HCP_VAULT_ADDR", server.address());
            let km = km.env("HCP_VAULT_TOKEN", &token).args(["key"]).args(arguments);
            let km = km.args(["--team-settings", &team]).stdin(secret("key"));
            km.run().await?.expect(0).with_context(|| format!("policy in `{namespace}`"))?;
        }
    }
    Ok(())
}
