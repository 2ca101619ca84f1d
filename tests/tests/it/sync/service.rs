//! The service: its lock, its signals, and its names in the log.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use testkit::{Server, secret};
use tokio::time::Instant;

use super::{ended, started, sync, wait_for_file};
use crate::cli::common::{contains_all, fails};

#[tokio::test]
async fn second_writer_of_a_directory_is_rejected() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let value = secret("value");
    fixture.put("ONE", json!({ "key": value })).await?;
    let directory = tempfile::tempdir()?;
    let km = || sync(&fixture, directory.path(), &["ONE"]);
    let mut running = started(km(), &directory, "ONE", &value).await?;
    for options in [&[][..], &["--once"]] {
        let stderr = fails(|| km().args(options), 2, "usage").await?;
        contains_all(&stderr, &["another km process writes to it", "hint: "])?;
    }
    running.child().kill().await?;
    km().args(["--once"]).run().await?.expect(0).map(drop)
}

#[tokio::test]
async fn signal_ends_the_service_in_time_and_the_files_remain() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let value = secret("value");
    fixture.put("ONE", json!({ "key": value })).await?;
    for signal in ["TERM", "INT"] {
        let directory = tempfile::tempdir()?;
        let km = sync(&fixture, directory.path(), &["ONE"]);
        let running = started(km, &directory, "ONE", &value).await?;
        let requested = Instant::now();
        running.signal(signal)?;
        let output = running.finish().await?.expect(0)?;
        ensure!(requested.elapsed() < Duration::from_secs(5), "{:?}", requested.elapsed());
        assert!(output.stdout.is_empty());
        assert_eq!(fs::read_to_string(directory.path().join("ONE"))?, value);
    }
    Ok(())
}

#[tokio::test]
async fn hangup_reloads_the_credentials_and_the_service_continues() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (first, second) = (secret("first"), secret("second"));
    fixture.put("ONE", json!({ "key": first })).await?;
    let directory = tempfile::tempdir()?;
    let token = tempfile::NamedTempFile::new()?;
    fs::write(token.path(), fixture.token(json!({ "ttl": "1h" })).await?)?;
    let km = sync(&fixture, directory.path(), &["ONE"])
        .env_remove("HCP_VAULT_APPROLE_ROLE_ID")
        .env_remove("HCP_VAULT_APPROLE_SECRET_ID")
        .env("KM_TOKEN_FILE", token.path())
        .env("KM_LOG", "warn,km::watch=info");
    let running = started(km, &directory, "ONE", &first).await?;
    let old = fs::read_to_string(token.path())?;
    fs::write(token.path(), fixture.token(json!({ "ttl": "1h" })).await?)?;
    running.signal("HUP")?;
    fixture.server().must("POST", "auth/token/revoke", json!({ "token": old })).await?;
    fixture.put("ONE", json!({ "key": second })).await?;
    wait_for_file(&directory.path().join("ONE"), &second).await?;
    contains_all(&ended(running).await?, &["credentials reloaded"])
}
