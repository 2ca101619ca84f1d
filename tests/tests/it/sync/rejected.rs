//! Arguments that are rejected before anything is sent.

use anyhow::Result;
use serde_json::json;
use testkit::{Server, secret};

use super::{sync, sync_at};
use crate::cli::common::{contains_all, fails, file, rejected};

#[tokio::test]
async fn invalid_arguments_are_rejected() -> Result<()> {
    let directory = tempfile::tempdir()?;
    for (arguments, parts) in [
        (&["--mode=0777"][..], &["--mode", "0400"][..]),
        (&["--mode=0660"], &["--mode"]),
        (&["--mode=rw"], &["--mode"]),
        (&["--owner=no-such-user"], &["--owner", "unknown user"]),
        (&["--owner=0:no-such-group"], &["--owner", "unknown group"]),
        (&["--owner=:"], &["--owner"]),
        (&["--signal=HUP"], &["--pid-file"]),
        (&["--pid-file=/x"], &["--signal"]),
        (&["--signal=1", "--pid-file=/x"], &["--signal"]),
        (&["--run=true", "--signal=HUP", "--pid-file=/x"], &["--run"]),
        (&["--run="], &["--run"]),
        (&["--only=.hidden"], &["begins with a dot"]),
        (&["--only=a/..data"], &["begins with a dot"]),
        (&["--only=a/SAME", "--only=b/SAME"], &["a/SAME and b/SAME", "the file SAME"]),
        (&["--only=a/../b"], &["a/../b"]),
    ] {
        let km = |km| sync_at(km, directory.path(), &["ONE"]).args(arguments);
        contains_all(&rejected("usage", km).await?, parts)?;
    }
    Ok(())
}

#[tokio::test]
async fn missing_directory_or_missing_names_are_rejected() -> Result<()> {
    contains_all(&rejected("usage", |km| km.args(["sync", "--only=ONE"])).await?, &["--dir"])?;
    let directory = tempfile::tempdir()?;
    let no_names = |km| sync_at(km, directory.path(), &[]);
    contains_all(&rejected("usage", no_names).await?, &["no secret", "--only"])?;
    let (_directory, config) = file("keys: [os.environ/oidc/google/x, OTHER]\n")?;
    let skipped = |km| sync_at(km, directory.path(), &[]).env("KM_CONFIG", &config);
    contains_all(&rejected("usage", skipped).await?, &["no secret"])?;
    Ok(())
}

#[tokio::test]
async fn interval_without_refresh_is_rejected_for_a_service_only() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": secret("one") })).await?;
    let directory = tempfile::tempdir()?;
    let km = || {
        let km = sync(&fixture, directory.path(), &["ONE"]);
        km.env("HCP_VAULT_REFRESH_INTERVAL", "0")
    };
    contains_all(&fails(km, 2, "settings").await?, &["km sync", "HCP_VAULT_REFRESH_INTERVAL"])?;
    km().args(["--once"]).run().await?.expect(0).map(drop)
}

#[tokio::test]
async fn name_that_cannot_be_read_leaves_the_directory_unchanged() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": secret("one") })).await?;
    fixture.put("NUMBER", json!({ "key": 1 })).await?;
    for (name, code, kind) in [("MISSING", 6, "not_found"), ("NUMBER", 8, "stored_value")] {
        let directory = tempfile::tempdir()?;
        let km = || sync(&fixture, directory.path(), &["ONE", name]);
        fails(|| km().args(["--once"]), code, kind).await?;
        fails(km, code, kind).await?;
        assert!(super::files(directory.path())?.is_empty(), "{name}");
    }
    Ok(())
}
