//! Outages: the files remain, and a service continues once Vault is back.

use std::fs;

use anyhow::Result;
use serde_json::json;
use testkit::{Server, secret};

use super::{ended, files, started, sync, sync_at, wait_for_file};
use crate::cli::common::{contains_all, km_against};
use crate::cli::listener::closed_port;
use crate::exec::watch::program::Watched;

/// Logged once Vault cannot be reached at the start.
const REMAIN: &str = "the files of an earlier run remain";

#[tokio::test]
async fn sealed_server_keeps_the_files_until_it_is_unsealed() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let (first, second) = (secret("first"), secret("second"));
    fixture.put("ONE", json!({ "key": first })).await?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("ONE");
    let running = started(sync(&fixture, directory.path(), &["ONE"]), &directory, "ONE", &first);
    let running = running.await?;
    server.seal().await?;
    // Longer than the refresh interval.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(fs::read_to_string(&path)?, first);
    server.unseal().await?;
    fixture.put("ONE", json!({ "key": second })).await?;
    wait_for_file(&path, &second).await?;
    ended(running).await.map(drop)
}

#[tokio::test]
async fn service_that_starts_during_an_outage_keeps_the_files_of_an_earlier_run() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let (first, second) = (secret("first"), secret("second"));
    fixture.put("ONE", json!({ "key": first })).await?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("ONE");
    let km = |names: &[&str]| sync(&fixture, directory.path(), names).env("KM_DEADLINE", "1s");
    km(&["ONE"]).args(["--once"]).run().await?.expect(0)?;
    server.stop().await?;
    // Without a file for every name there is nothing to continue with.
    km(&["ONE", "TWO"]).run().await?.expect(4)?;
    km(&["ONE"]).args(["--once"]).run().await?.expect(4)?;
    assert_eq!(fs::read_to_string(&path)?, first);
    let output = directory.path().join("output");
    let running = km(&["ONE"]).args([format!("--run=echo ran > {}", output.display())]);
    let mut running = Watched::start_program(running).await?;
    contains_all(&running.wait_for_log(REMAIN).await?, &["WARN", "read ONE"])?;
    server.start().await?;
    server.unseal().await?;
    fixture.put("ONE", json!({ "key": second })).await?;
    wait_for_file(&path, &second).await?;
    wait_for_file(&output, "ran\n").await?;
    running.signal("TERM")?;
    running.wait_for_exit(0).await.map(drop)
}

#[tokio::test]
async fn signal_during_an_outage_ends_the_service_with_0() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let value = secret("value");
    fixture.put("ONE", json!({ "key": value })).await?;
    let directory = tempfile::tempdir()?;
    sync(&fixture, directory.path(), &["ONE"]).args(["--once"]).run().await?.expect(0)?;
    let at = |address: &str| sync_at(km_against(address), directory.path(), &["ONE"]);
    let mut running = Watched::start_program(at(&closed_port()?).env("KM_DEADLINE", "1s")).await?;
    running.wait_for_log(REMAIN).await?;
    running.signal("TERM")?;
    running.wait_for_exit(0).await?;
    assert_eq!(files(directory.path())?, [("ONE".to_owned(), value)].into());
    Ok(())
}
