//! `km list`: names under the global prefix.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{Fixture, Km, Server};

async fn fixture() -> Result<Fixture> {
    let fixture = Server::shared().await?.fixture().await?;
    for name in ["a", "b b", "folder", "folder/x", "folder/deep/y", "clé", "50%"] {
        let name = name.replace('%', "%25").replace(' ', "%20").replace('é', "%C3%A9");
        fixture.put(&name, json!({ "key": "v" })).await?;
    }
    Ok(fixture)
}

async fn check(km: impl Fn() -> Km, prefix: &[&str], expected: &[&str]) -> Result<()> {
    let output = km().args(["list"]).args(prefix).run().await?.expect(0)?;
    let lines = expected.iter().fold(String::new(), |lines, name| lines + name + "\n");
    assert_eq!((output.text()?, output.stderr.as_str()), (lines.as_str(), ""), "{prefix:?}");
    let output = km().args(["list", "--json"]).args(prefix).run().await?.expect(0)?;
    let document: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(document, json!({ "names": expected }), "{prefix:?}");
    Ok(())
}

#[tokio::test]
async fn names_and_folders_one_a_line() -> Result<()> {
    let fixture = fixture().await?;
    let km = || fixture.km();
    let top = ["50%", "a", "b b", "clé", "folder", "folder/"];
    for prefix in [&[][..], &[""], &["/"]] {
        check(km, prefix, &top).await?;
    }
    for prefix in ["folder", "folder/", "/folder/"] {
        check(km, &[prefix], &["deep/", "x"]).await?;
    }
    for prefix in ["folder/deep", "folder/deep/"] {
        check(km, &[prefix], &["y"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn nothing_there_is_nothing_printed() -> Result<()> {
    let empty = Server::shared().await?.fixture().await?;
    check(|| empty.km(), &[], &[]).await?;
    let fixture = fixture().await?;
    for prefix in ["a", "nowhere", "nowhere/", "folder/x"] {
        check(|| fixture.km(), &[prefix], &[]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_path_prefix_is_where_it_begins() -> Result<()> {
    let fixture = fixture().await?;
    let km = || fixture.km().env("HCP_VAULT_PATH_PREFIX", "/folder/");
    check(km, &[], &["deep/", "x"]).await?;
    check(km, &["deep/"], &["y"]).await?;
    check(km, &["folder"], &[]).await
}

#[tokio::test]
async fn a_deleted_secret_is_still_listed_and_a_removed_one_is_not() -> Result<()> {
    let fixture = fixture().await?;
    let (server, mount) = (fixture.server(), &fixture.mount);
    server.must("DELETE", &format!("{mount}/data/folder/x"), None).await?;
    check(|| fixture.km(), &["folder"], &["deep/", "x"]).await?;
    server.must("DELETE", &format!("{mount}/metadata/folder/x"), None).await?;
    check(|| fixture.km(), &["folder"], &["deep/"]).await
}

#[tokio::test]
async fn listing_needs_no_access_to_values() -> Result<()> {
    let policy = |mount: &str| format!(r#"path "{mount}/metadata/" {{ capabilities = ["list"] }}"#);
    let spec = tests::FixtureSpec { policy: Some(policy), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    fixture.put("name", json!({ "key": "v" })).await?;
    check(|| fixture.km(), &[], &["name"]).await
}

#[tokio::test]
async fn hosted_keys_hide_nothing_from_a_listing() -> Result<()> {
    let fixture = fixture().await?;
    let km = || fixture.km().env("KM_HOSTED_KEYS", "OPENAI_API_KEY");
    check(km, &["folder"], &["deep/", "x"]).await
}
