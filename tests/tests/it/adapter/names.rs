//! Names: the source of each one, and those that are never sent.

use anyhow::Result;
use km_proxy_adapter::{ErrorKind, SecretLocation, WriteOptions};
use serde_json::json;
use testkit::{FixtureSpec, Server, secret};

use super::{keys, keys_before, read, shows_nothing};
use crate::product::{Silence, variables};

const WRITER: (&str, &str) = ("KM_ACCESS_MODE", "read_and_write");

fn hostile() -> Vec<String> {
    let names = [
        "",
        "os.environ/",
        ".",
        "..",
        "../NAME",
        "folder/../NAME",
        "folder/..",
        "folder/./NAME",
        "os.environ/../NAME",
        "%2e%2e/NAME",
        "%2E./NAME",
        "folder/.%2e",
        "/NAME",
        "NAME/",
        "folder//NAME",
        "/",
        "line\nbreak",
        "nul\0",
        "escape\u{1b}[31m",
        "delete\u{7f}",
        "next\u{85}line",
        "line\u{2028}separator",
        "paragraph\u{2029}separator",
        "zero\u{200b}width",
        "right\u{202e}to left",
        "\u{feff}mark",
    ];
    names.into_iter().map(str::to_owned).chain(["n".repeat(513), "n".repeat(600)]).collect()
}

#[tokio::test]
async fn hostile_name_is_refused_before_a_request() -> Result<()> {
    let (fixture, silence) = (Server::shared().await?.fixture().await?, Silence::new()?);
    let address = silence.address()?;
    for mode in ["read_and_write", "write_only"] {
        let settings = [("HCP_VAULT_ADDR", address.as_str()), ("KM_ACCESS_MODE", mode)];
        let fallback_env = hostile();
        let fallback_env: Vec<_> =
            fallback_env.iter().map(|name| (name.as_str(), "the environment's")).collect();
        let keys = keys_before(&fixture, &settings, variables(&fallback_env)).await?;
        for name in hostile() {
            let options = WriteOptions::default();
            let outcomes = [
                keys.secret(&name).await.map(drop),
                keys.write(&name, secret("value").into(), &options).await.map(drop),
                keys.delete(&name).await.map(drop),
            ];
            for outcome in outcomes {
                let error = outcome.expect_err(&name);
                assert_eq!(error.kind(), ErrorKind::Usage, "{name:?}: {}", error.message());
                assert!(!error.message().contains(['\n', '\u{1b}', '\u{202e}']), "{name:?}");
                shows_nothing(&fixture, &error);
            }
        }
    }
    silence.expect_nobody()
}

#[tokio::test]
async fn name_resolved_by_the_gateway_is_refused_before_a_request() -> Result<()> {
    let (fixture, silence) = (Server::shared().await?.fixture().await?, Silence::new()?);
    let settings = [("HCP_VAULT_ADDR", silence.address()?)];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let keys = keys_before(&fixture, &settings, variables(&[("oidc/google", "e")])).await?;
    for name in ["oidc/google", "oidc/", "os.environ/oidc/google/audience"] {
        super::fails(&fixture, &keys, name, ErrorKind::Usage).await?;
        assert_eq!(keys.locate(name).map_err(|error| error.kind()), Err(ErrorKind::Usage));
    }
    silence.expect_nobody()
}

#[tokio::test]
async fn name_is_read_at_its_reported_location() -> Result<()> {
    let server = Server::shared().await?;
    let team = Some("teams/team-a".to_owned());
    let spec = FixtureSpec { under: team.clone(), login_namespace: team, ..Default::default() };
    let fixture = server.fixture_with(spec).await?;
    let mount = fixture.mount.trim_start_matches("teams/team-a/");
    let location = [
        ("HCP_VAULT_MOUNT_NAME", mount),
        ("HCP_VAULT_NAMESPACE", "/teams/team-a/"),
        ("HCP_VAULT_PATH_PREFIX", " /litellm/eu keys/ "),
    ];
    let (some, keys) = (
        keys(&fixture, &[&location[..], &[("KM_HOSTED_KEYS", "a b,clé")]].concat()).await?,
        keys(&fixture, &location).await?,
    );
    for (name, stored, sent) in [
        ("NAME", "litellm/eu%20keys/NAME", "litellm/eu%20keys/NAME"),
        ("a b", "litellm/eu%20keys/a%20b", "litellm/eu%20keys/a%20b"),
        ("clé", "litellm/eu%20keys/cl%c3%a9", "litellm/eu%20keys/cl%C3%A9"),
        ("folder/a?b", "litellm/eu%20keys/folder/a%3fb", "litellm/eu%20keys/folder/a%3Fb"),
        ("os.environ/a%20b", "litellm/eu%20keys/a%2520b", "litellm/eu%20keys/a%2520b"),
        ("...", "litellm/eu%20keys/...", "litellm/eu%20keys/..."),
    ] {
        let value = secret("value");
        fixture.put(stored, json!({ "key": value })).await?;
        assert_eq!(read(&fixture, &keys, name).await?.expose(), value, "{name}");
        let SecretLocation::Vault { path, field } = keys.locate(name)? else {
            anyhow::bail!("{name} is asked for in the environment");
        };
        assert_eq!(path.as_str(), format!("{}/data/{sent}", fixture.mount));
        assert_eq!(field, "key");
        let hosted = matches!(some.locate(name)?, SecretLocation::Vault { .. });
        assert_eq!(hosted, ["a b", "clé"].contains(&name), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn write_goes_to_the_reported_location() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let keys = keys(&fixture, &[WRITER, ("HCP_VAULT_PATH_PREFIX", "litellm")]).await?;
    for (name, stored) in [("NAME", "NAME"), ("a b/c#d", "a%20b/c%23d"), ("%41", "%2541")] {
        let value = secret("value");
        let written = keys.write(name, value.clone().into(), &WriteOptions::default()).await?;
        let SecretLocation::Vault { path, .. } = keys.locate(name)? else {
            anyhow::bail!("{name} is asked for in the environment");
        };
        assert_eq!(written.path, path);
        let (status, answer) = fixture.get(&format!("litellm/{stored}")).await?;
        assert_eq!((status, &answer["data"]["data"]), (200, &json!({ "key": value })), "{name}");
        assert_eq!(keys.delete(name).await?, path);
        assert_eq!(fixture.get(&format!("litellm/{stored}")).await?.0, 404);
    }
    Ok(())
}
