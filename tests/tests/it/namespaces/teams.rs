//! The keys of teams in namespaces of their own.

use anyhow::Result;
use serde_json::json;
use testkit::{Engine, Flavor, Km, Server, secret};

use super::token_with;
use crate::cli::common::{KEY_COMMANDS, contains_all, fails};

const ALLOWED: &str = "teams/*/kv-prod,teams/*/*/kv-prod";

/// Returns a gateway in the root namespace whose token has the printed policy.
async fn gateway(server: &Server) -> Result<impl Fn() -> Km> {
    let settings = |km: Km| {
        let km = km.env("KM_ACCESS_MODE", "read_and_write").env("KM_STORE_VIRTUAL_KEYS", "true");
        km.env("KM_ALLOWED_TEAM_LOCATIONS", ALLOWED)
    };
    let policy = settings(Km::new()).args(["check", "--policy"]).run().await?.expect(0)?;
    let token = token_with(server, "", policy.text()?).await?;
    let address = server.address().to_owned();
    Ok(move || settings(Km::new()).env("HCP_VAULT_ADDR", &address).env("HCP_VAULT_TOKEN", &token))
}

#[tokio::test]
async fn team_of_litellms_page_stores_its_keys_in_its_own_namespace() -> Result<()> {
    let server = Server::dev_alone().await?;
    if server.skips_unless(Flavor::OpenBao) {
        return Ok(());
    }
    let gateway = gateway(&server).await?;
    for namespace in ["teams/team-a", "teams/team-a/child"] {
        let mount = server.mount_in(namespace, "kv-prod", Engine::V2).await?;
        let team = json!({ "namespace": namespace, "mount": "kv-prod",
            "path_prefix": "virtual-keys", "data": "password" })
        .to_string();
        let run = async |arguments: &[&str], value: &str| {
            let km = gateway().args(["key"]).args(arguments).args(["--team-settings", &team]);
            km.stdin(value).run().await?.expect(0)
        };
        let (first, second) = (secret("first"), secret("second"));
        let path = format!("{mount}/data/virtual-keys/litellm/alias");
        let stored = run(&["store", "alias"], &first).await?;
        assert_eq!(stored.text()?, format!("stored {path} version 1\n"));
        // A client that names the namespace in the header finds the key.
        let headers = [("X-Vault-Token", server.root_token()), ("X-Vault-Namespace", namespace)];
        let path = "kv-prod/data/virtual-keys/litellm/alias";
        let (status, answer) = server.raw().exchange("GET", path, &headers, None).await?;
        assert_eq!((status, &answer["data"]["data"]), (200, &json!({ "password": first })));

        run(&["rotate", "alias"], &second).await?;
        run(&["rename", "alias", "beta"], "").await?;
        assert_eq!(run(&["read", "beta"], "").await?.text()?, second);
        assert_eq!(run(&["list"], "").await?.text()?, "beta\n");
        run(&["delete", "beta"], "").await?;
        assert_eq!(server.raw().exchange("GET", path, &headers, None).await?.0, 404);
    }
    let names = server.api("LIST", "secret/metadata/", None).await?;
    assert_eq!(names.0, 404, "something was stored at the gateway's location: {}", names.1);
    Ok(())
}

#[tokio::test]
async fn missing_namespace_of_a_team_is_exit_6_and_nothing_is_stored_elsewhere() -> Result<()> {
    let server = Server::dev_alone().await?;
    if server.skips_unless(Flavor::OpenBao) {
        return Ok(());
    }
    let gateway = gateway(&server).await?;
    server.mount_in("teams/team-a", "kv-prod", Engine::V2).await?;
    for namespace in ["teams/nobody", "teams/team-a/nobody"] {
        let team = json!({ "namespace": namespace, "mount": "kv-prod" }).to_string();
        for arguments in KEY_COMMANDS {
            let km = || {
                let km = gateway().args(["key"]).args(arguments);
                km.args(["--team-settings", &team]).stdin(secret("key"))
            };
            let missing = format!("in namespace {namespace}: namespace not found");
            let hint = "`namespace` and `mount` in the team's settings";
            contains_all(&fails(km, 6, "not_found").await?, &[&missing, hint])?;
        }
    }
    for mount in ["secret", "teams/team-a/kv-prod"] {
        let names = server.api("LIST", &format!("{mount}/metadata/"), None).await?;
        assert_eq!(names.0, 404, "something was stored in {mount}: {}", names.1);
    }
    Ok(())
}
