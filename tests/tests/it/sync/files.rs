//! The files: their names, their bytes, and when they are replaced.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Server, secret};

use super::{ended, files, started, sync, wait_for_file};
use crate::cli::common::{contains_all, file};

#[tokio::test]
async fn each_reference_of_the_configuration_becomes_a_file_of_the_exact_bytes() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (one, two) = (secret("one"), format!("{}\n ü\r\n", secret("two")));
    fixture.put("ONE", json!({ "key": one })).await?;
    fixture.put("folder/TWO", json!({ "key": two })).await?;
    let directory = tempfile::tempdir()?;
    let (_config_directory, config) =
        file("keys: [os.environ/ONE, os.environ/folder/TWO, os.environ/oidc/google/x]\n")?;
    let km = || sync(&fixture, directory.path(), &[]).env("KM_CONFIG", &config).args(["--once"]);
    let output = km().run().await?.expect(0)?;
    assert_eq!(output.text()?, "ONE\nTWO\n");
    let expected = [("ONE".to_owned(), one), ("TWO".to_owned(), two)];
    assert_eq!(files(directory.path())?, expected.into());
    let output = km().args(["--json"]).run().await?.expect(0)?;
    assert_eq!(serde_json::from_str::<Value>(output.text()?)?, json!({ "changed": [] }));
    Ok(())
}

#[tokio::test]
async fn layout_is_that_of_a_kubernetes_volume() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": secret("one") })).await?;
    let directory = tempfile::tempdir()?;
    sync(&fixture, directory.path(), &["ONE"]).args(["--once"]).run().await?.expect(0)?;
    let link = |name: &str| fs::read_link(directory.path().join(name));
    assert_eq!(link("ONE")?, Path::new("..data/ONE"));
    let set = link("..data")?;
    assert!(set.to_str().is_some_and(|set| set.starts_with("..km-")), "{}", set.display());
    assert!(fs::symlink_metadata(directory.path().join(&set).join("ONE"))?.is_file());
    Ok(())
}

#[tokio::test]
async fn change_replaces_the_set_and_removes_the_old_one() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (first, second, same) = (secret("first"), secret("second"), secret("same"));
    fixture.put("ONE", json!({ "key": first })).await?;
    fixture.put("SAME", json!({ "key": same })).await?;
    let directory = tempfile::tempdir()?;
    let km = sync(&fixture, directory.path(), &["ONE", "SAME"]);
    let running = started(km, &directory, "ONE", &first).await?;
    let old = fs::canonicalize(directory.path().join("..data"))?;
    fixture.put("ONE", json!({ "key": second })).await?;
    wait_for_file(&directory.path().join("ONE"), &second).await?;
    assert_eq!(fs::read_to_string(directory.path().join("SAME"))?, same);
    let log = ended(running).await?;
    assert!(!old.exists(), "the replaced set remains");
    contains_all(&log, &["files written names=\"ONE, SAME\"", "files written names=\"ONE\""])
}

#[tokio::test]
async fn equal_value_is_not_written_again() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let value = secret("value");
    fixture.put("ONE", json!({ "key": value })).await?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("ONE");
    let once = || sync(&fixture, directory.path(), &["ONE"]).args(["--once"]);
    once().run().await?.expect(0)?;
    let before = fs::metadata(&path)?;
    fixture.put("ONE", json!({ "key": value, "owner": "team-a" })).await?;
    let output = once().run().await?.expect(0)?;
    assert_eq!(output.text()?, "");
    let after = fs::metadata(&path)?;
    let identity = |file: &fs::Metadata| (file.ino(), file.mtime(), file.mtime_nsec());
    assert_eq!(identity(&after), identity(&before));
    Ok(())
}

#[tokio::test]
async fn file_of_a_name_that_is_no_longer_given_disappears() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let one = secret("one");
    fixture.put("ONE", json!({ "key": one })).await?;
    fixture.put("TWO", json!({ "key": secret("two") })).await?;
    let directory = tempfile::tempdir()?;
    let run = |names: &[&str]| sync(&fixture, directory.path(), names).args(["--once"]);
    run(&["ONE", "TWO"]).run().await?.expect(0)?;
    let output = run(&["ONE"]).run().await?.expect(0)?;
    assert_eq!(output.text()?, "TWO\n");
    assert_eq!(files(directory.path())?, [("ONE".to_owned(), one)].into());
    let hidden = directory.path().read_dir()?.filter_map(Result::ok).count();
    assert_eq!(hidden, ["ONE", "..data", "its set", "the lock"].len());
    Ok(())
}

#[tokio::test]
async fn deleted_secret_keeps_its_file_until_the_next_start() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (first, second) = (secret("first"), secret("second"));
    fixture.put("ONE", json!({ "key": first })).await?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("ONE");
    let km = || sync(&fixture, directory.path(), &["ONE"]);
    let running = started(km(), &directory, "ONE", &first).await?;
    fixture.server().must("DELETE", &format!("{}/data/ONE", fixture.mount), None).await?;
    let missing = km().args(["--once"]);
    // The running process holds the lock.
    missing.run().await?.expect(2)?;
    fixture.put("ONE", json!({ "key": second })).await?;
    wait_for_file(&path, &second).await?;
    ended(running).await?;
    fixture.server().must("DELETE", &format!("{}/data/ONE", fixture.mount), None).await?;
    km().args(["--once"]).run().await?.expect(6)?;
    assert_eq!(fs::read_to_string(&path)?, second);
    km().args(["--once", "--allow-missing"]).run().await?.expect(0)?;
    assert!(files(directory.path())?.is_empty());
    Ok(())
}
