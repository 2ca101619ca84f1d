//! The request path of a secret: namespace, mount, prefix and name.

use anyhow::Result;
use serde_json::json;
use testkit::{FixtureSpec, Km, Server, secret};

use crate::cli::common::{NAME, writer};

#[tokio::test]
async fn namespace_is_the_start_of_the_request_path() -> Result<()> {
    let spec = FixtureSpec { under: Some("teams/team-a".to_owned()), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let mount = fixture.mount.trim_start_matches("teams/team-a/");
    let km = || {
        let km = writer(&fixture).env_remove("HCP_VAULT_MOUNT_NAME");
        km.env("HCP_VAULT_MOUNT_NAME", format!(" /{mount}/ "))
    };
    let set = |name: &'static str, value: &'static str| move |km: Km| km.env(name, value);
    let root = set("HCP_VAULT_NAMESPACE", "nowhere");
    let own = set("HCP_VAULT_SECRET_NAMESPACE", "teams/team-a");
    let general = set("HCP_VAULT_NAMESPACE", "teams/team-a");
    let slashes = set("HCP_VAULT_SECRET_NAMESPACE", " /teams/team-a/ ");
    let login = set("HCP_VAULT_LOGIN_NAMESPACE", "");
    for (case, km) in [
        ("own", own(km())),
        ("with slashes", slashes(km())),
        ("general, login at the root", login(general(km()))),
        ("own over general, login at the root", own(login(root(km())))),
        ("part of the mount", writer(&fixture)),
    ] {
        let value = secret("value");
        fixture.put(NAME, json!({ "key": value })).await?;
        let output = km.args(["read", NAME]).run().await?;
        assert_eq!((output.code, output.text()?), (0, value.as_str()), "{case}: {}", output.stderr);
    }
    let output = own(km()).args(["write", NAME]).stdin("value").run().await?.expect(0)?;
    let expected = format!("stored {}/data/{NAME} version ", fixture.mount);
    assert!(output.text()?.starts_with(&expected), "{}", output.text()?);
    assert_eq!(own(km()).args(["list"]).run().await?.expect(0)?.text()?, format!("{NAME}\n"));
    own(km()).args(["delete", NAME]).run().await?.expect(0)?;
    assert_eq!(fixture.get(NAME).await?.0, 404);
    Ok(())
}

#[tokio::test]
async fn prefix_is_inserted_between_data_and_the_name() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for (prefix, head) in [
        ("litellm", "litellm/"),
        ("/litellm/prod/", "litellm/prod/"),
        (" litellm ", "litellm/"),
        ("", ""),
        (" / ", ""),
    ] {
        let value = secret("value");
        let km = || writer(&fixture).env("HCP_VAULT_PATH_PREFIX", prefix);
        km().args(["write", NAME]).stdin(value.as_str()).run().await?.expect(0)?;
        let stored = fixture.get(&format!("{head}{NAME}")).await?.1;
        assert_eq!(stored["data"]["data"], json!({ "key": value }), "{prefix:?}");
        let output = km().args(["read", NAME]).run().await?.expect(0)?;
        assert_eq!(output.text()?, value, "{prefix:?}");
    }
    Ok(())
}

#[tokio::test]
async fn name_is_percent_encoded_without_collisions() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    for (name, encoded) in [
        ("a b", "a%20b"),
        ("a%20b", "a%2520b"),
        ("a?version=1", "a%3Fversion=1"),
        ("a#b", "a%23b"),
        ("a\\b", "a%5Cb"),
        ("%252e%252e", "%25252e%25252e"),
        ("...", "..."),
        ("clé", "cl%C3%A9"),
        ("a/b", "a/b"),
        ("+&=;,", "+&=;,"),
    ] {
        let value = secret("value");
        let km = writer(&fixture).args(["write", name]).stdin(value.as_str());
        km.run().await?.expect(0)?;
        let stored = fixture.get(encoded).await?.1;
        assert_eq!(stored["data"]["data"], json!({ "key": value }), "{name:?}");
        assert_eq!(stored["data"]["metadata"]["version"], 1, "{name:?} collides with another name");
    }
    Ok(())
}

#[tokio::test]
async fn empty_mount_defaults_to_secret() -> Result<()> {
    let server = Server::dev_alone().await?;
    server.must("POST", &format!("secret/data/{NAME}"), json!({ "data": { "key": "v" } })).await?;
    for mount in [None, Some(""), Some(" "), Some("/"), Some("/secret/")] {
        let km = Km::new().env("HCP_VAULT_ADDR", server.address());
        let km = km.env("HCP_VAULT_TOKEN", server.root_token());
        let km = mount.into_iter().fold(km, |km, mount| km.env("HCP_VAULT_MOUNT_NAME", mount));
        let output = km.args(["read", NAME]).run().await?.expect(0)?;
        assert_eq!(output.text()?, "v", "{mount:?}");
    }
    Ok(())
}
