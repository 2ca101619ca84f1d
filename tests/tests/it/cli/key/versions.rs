//! `km key history`, `undelete`, `destroy`, and `km key read --version`.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Km, Server, secret};

use super::common::Gateway;
use crate::cli::common::{contains_all, fails, km_against, writer};
use crate::cli::listener::Silent;

async fn document(km: Km) -> Result<Value> {
    let output = km.args(["--json"]).run().await?.expect(0)?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[tokio::test]
async fn versions_of_a_key_are_read_undeleted_and_destroyed() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let team = r#"{"path_prefix":"team-b"}"#;
    for (names, path) in [
        (&["alias"][..], "litellm/alias"),
        (&["--token-id", "88dc"], "litellm/virtual-key-88dc"),
        (&["alias", "--team-settings", team], "team-b/litellm/alias"),
    ] {
        let key = |command: &[&str]| {
            let km = writer(&fixture).env("KM_STORE_VIRTUAL_KEYS", "true").args(["key"]);
            km.args(command).args(names)
        };
        let (first, second) = (secret("first"), secret("second"));
        key(&["store"]).stdin(first.as_str()).run().await?.expect(0)?;
        key(&["rotate"]).stdin(second.as_str()).run().await?.expect(0)?;
        for (version, value) in [(1, &first), (2, &second)] {
            let read = || key(&["read", "--version", &version.to_string()]);
            assert_eq!(read().run().await?.expect(0)?.text()?, value);
            let name = path.rsplit('/').next();
            let expected = json!({ "name": name, "value": value, "version": version,
                "source": "vault", "age_seconds": 0 });
            assert_eq!(document(read()).await?, expected);
        }
        assert_eq!(document(key(&["read"])).await?["value"], json!(second));

        key(&["delete"]).run().await?.expect(0)?;
        let url = format!("{}/data/{path}", fixture.mount);
        let output = key(&["undelete"]).run().await?.expect(0)?;
        assert_eq!(output.text()?, format!("undeleted {url} version 2\n"));
        assert_eq!(key(&["read"]).run().await?.expect(0)?.text()?, second);
        let output = key(&["destroy", "--version", "1"]).run().await?.expect(0)?;
        assert_eq!(output.text()?, format!("destroyed {url} version 1\n"));
        let history = document(key(&["history"])).await?;
        let states = [&history["versions"][0]["state"], &history["versions"][1]["state"]];
        assert_eq!(states, ["live", "destroyed"]);
        for (command, why) in [
            (&["read", "--version", "1"][..], "version 1 is destroyed"),
            (&["undelete", "--version", "1"], "version 1 is destroyed"),
            (&["read", "--version", "3"], "not found"),
            (&["undelete", "--version", "3"], "version 3 does not exist"),
            (&["destroy", "--version", "3"], "version 3 does not exist"),
        ] {
            contains_all(&fails(|| key(command), 6, "not_found").await?, &[why])?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn explain_option_prints_the_path_and_changes_nothing() -> Result<()> {
    let silent = Silent::new()?;
    for command in [
        &["history", "a"][..],
        &["undelete", "a"],
        &["destroy", "a", "--version", "1"],
        &["read", "a", "--version", "1"],
    ] {
        let km = km_against(&silent.address()).args(["key"]).args(command).args(["--explain"]);
        let output = km.run().await?.expect(0)?;
        assert_eq!(output.text()?, "/v1/secret/data/litellm/a field key\n");
    }
    assert_eq!(silent.connections()?, 0);
    Ok(())
}

/// Vault grants the changes separately, because a destroyed version cannot be restored.
#[tokio::test]
async fn printed_policy_allows_the_history_and_no_change_of_versions() -> Result<()> {
    let gateway = Gateway::new(&[]).await?;
    gateway.run(&["store", "alias"], &secret("key")).await?;
    gateway.run(&["delete", "alias"], "").await?;
    gateway.run(&["history", "alias"], "").await?;
    for command in [&["undelete", "alias"][..], &["destroy", "alias", "--version", "1"]] {
        let stderr = fails(|| gateway.key(command), 5, "denied").await?;
        let path = format!("{}/litellm/alias", command[0]);
        contains_all(&stderr, &["permission denied", &path])?;
    }
    Ok(())
}

#[tokio::test]
async fn missing_key_is_exit_6() -> Result<()> {
    let gateway = Gateway::new(&[]).await?;
    for command in [
        &["history", "absent"][..],
        &["undelete", "absent"],
        &["undelete", "absent", "--version", "1"],
        &["destroy", "absent", "--version", "1"],
        &["read", "absent", "--version", "1"],
    ] {
        let stderr = fails(|| gateway.key(command), 6, "not_found").await?;
        contains_all(&stderr, &["the key absent", "not found"])?;
    }
    Ok(())
}
