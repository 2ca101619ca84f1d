//! `km undelete` and `km destroy`: which version is changed, and what is printed.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Fixture, Km, Server, secret};

use crate::cli::common::{NAME, contains_all, fails, writer};

/// Returns a fixture with a secret of three versions.
async fn fixture() -> Result<Fixture> {
    let fixture = Server::shared().await?.fixture().await?;
    for version in 1..=3 {
        fixture.put(NAME, json!({ "key": version.to_string() })).await?;
    }
    Ok(fixture)
}

async fn change(fixture: &Fixture, endpoint: &str, versions: &[u64]) -> Result<()> {
    let path = format!("{}/{endpoint}/{NAME}", fixture.mount);
    let body = json!({ "versions": versions });
    fixture.server().must("POST", &path, body).await.map(drop)
}

/// Returns a letter for each version: live, deleted or destroyed.
async fn states(fixture: &Fixture) -> Result<String> {
    let path = format!("{}/metadata/{NAME}", fixture.mount);
    let metadata = fixture.server().must("GET", &path, None).await?;
    let states = (1..=3).map(|version| {
        let version = &metadata["data"]["versions"][version.to_string()];
        match (version["destroyed"] == true, version["deletion_time"] == "") {
            (true, _) => 'x',
            (false, true) => 'l',
            (false, false) => 'd',
        }
    });
    Ok(states.collect())
}

fn undelete(fixture: &Fixture, options: &[&str]) -> Km {
    writer(fixture).args(["undelete", NAME]).args(options)
}

fn destroy(fixture: &Fixture, options: &[&str]) -> Km {
    writer(fixture).args(["destroy", NAME]).args(options)
}

async fn document(km: Km) -> Result<Value> {
    let output = km.args(["--json"]).run().await?.expect(0)?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[tokio::test]
async fn newest_deleted_version_is_undeleted_unless_one_is_named() -> Result<()> {
    let fixture = fixture().await?;
    let path = format!("{}/data/{NAME}", fixture.mount);
    change(&fixture, "delete", &[1, 2, 3]).await?;
    change(&fixture, "destroy", &[3]).await?;
    for (options, version, after) in [(&[][..], 2, "dlx"), (&["--version", "1"], 1, "llx")] {
        let output = undelete(&fixture, options).run().await?.expect(0)?;
        let expected = format!("undeleted {path} version {version}\n");
        assert_eq!((output.text()?, output.stderr.as_str()), (expected.as_str(), ""));
        assert_eq!(states(&fixture).await?, after);
    }
    let output = fixture.km().args(["read", NAME, "--version", "2"]).run().await?.expect(0)?;
    assert_eq!(output.text()?, "2");
    change(&fixture, "delete", &[2]).await?;
    let expected = json!({ "path": path, "version": 2 });
    assert_eq!(document(undelete(&fixture, &[])).await?, expected);
    Ok(())
}

#[tokio::test]
async fn version_deleted_by_km_is_undeleted_at_once() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let value = secret("value");
    fixture.put(NAME, json!({ "key": value, "user": "root" })).await?;
    for _ in 0..3 {
        writer(&fixture).args(["delete", NAME]).run().await?.expect(0)?;
        fails(|| fixture.km().args(["read", NAME]), 6, "not_found").await?;
        let output = writer(&fixture).args(["undelete", NAME]).run().await?.expect(0)?;
        contains_all(output.text()?, &["version 1\n"])?;
        assert_eq!(fixture.km().args(["read", NAME]).run().await?.expect(0)?.text()?, value);
    }
    Ok(())
}

#[tokio::test]
async fn nothing_to_undelete_is_a_note_and_exit_0() -> Result<()> {
    let fixture = fixture().await?;
    for options in [&[][..], &["--version", "2"]] {
        let output = undelete(&fixture, options).run().await?.expect(0)?;
        assert_eq!(output.text()?, "");
        contains_all(&output.stderr, &["km: nothing to undelete"])?;
        assert_eq!(document(undelete(&fixture, options)).await?["version"], Value::Null);
    }
    change(&fixture, "destroy", &[1, 2, 3]).await?;
    let output = undelete(&fixture, &[]).run().await?.expect(0)?;
    contains_all(&output.stderr, &["nothing to undelete"])?;
    assert_eq!(states(&fixture).await?, "xxx");
    Ok(())
}

#[tokio::test]
async fn named_versions_are_destroyed() -> Result<()> {
    let fixture = fixture().await?;
    let path = format!("{}/data/{NAME}", fixture.mount);
    change(&fixture, "delete", &[2]).await?;
    let output = destroy(&fixture, &["--version", "2"]).run().await?.expect(0)?;
    let expected = format!("destroyed {path} version 2\n");
    assert_eq!((output.text()?, output.stderr.as_str()), (expected.as_str(), ""));
    assert_eq!(states(&fixture).await?, "lxl");
    // The latest version, and again one that is destroyed already.
    let both = ["--version", "3", "--version", "2"];
    let expected = json!({ "path": path, "versions": [3, 2] });
    assert_eq!(document(destroy(&fixture, &both)).await?, expected);
    assert_eq!(states(&fixture).await?, "lxx");
    let stderr = fails(|| fixture.km().args(["read", NAME]), 6, "not_found").await?;
    contains_all(&stderr, &["destroyed"])?;
    let stderr = fails(|| undelete(&fixture, &["--version", "3"]), 6, "not_found").await?;
    contains_all(&stderr, &["version 3 is destroyed", "cannot be undone"])
}

#[tokio::test]
async fn unknown_version_is_exit_6_and_changes_nothing() -> Result<()> {
    let fixture = fixture().await?;
    change(&fixture, "delete", &[1]).await?;
    for options in [&["--version", "4"][..], &["--version", "1", "--version", "4"]] {
        let stderr = fails(|| destroy(&fixture, options), 6, "not_found").await?;
        contains_all(
            &stderr,
            &[&format!("km: destroy {NAME}: version 4 does not exist"), "km history"],
        )?;
    }
    fails(|| undelete(&fixture, &["--version", "4"]), 6, "not_found").await?;
    for command in [&["undelete", "absent"][..], &["destroy", "absent", "--version", "1"]] {
        let stderr = fails(|| writer(&fixture).args(command), 6, "not_found").await?;
        contains_all(&stderr, &["absent", "not found"])?;
        let path = format!("{}/metadata/absent", fixture.mount);
        assert_eq!(fixture.server().api("GET", &path, None).await?.0, 404, "it was created");
    }
    assert_eq!(states(&fixture).await?, "dll");
    Ok(())
}

#[tokio::test]
async fn write_only_mode_undeletes_and_destroys() -> Result<()> {
    let fixture = fixture().await?;
    change(&fixture, "delete", &[3]).await?;
    let km = || fixture.km().env("KM_ACCESS_MODE", "write_only");
    km().args(["undelete", NAME]).run().await?.expect(0)?;
    km().args(["destroy", NAME, "--version", "1"]).run().await?.expect(0)?;
    assert_eq!(states(&fixture).await?, "xll");
    Ok(())
}
