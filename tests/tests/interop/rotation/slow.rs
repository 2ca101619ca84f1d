//! Twenty rotations in each way and manner, and LiteLLM alone. Their figures are in `docs/benchmarks.md`.

use std::time::Duration;

use anyhow::{Result, ensure};
use testkit::LiteLlm;
use tokio::time::{Instant, sleep};

use super::load::Load;
use super::proxy::Proxy;
use super::scene::Scene;
use super::way::Kind;
use super::{ALL, OF_FILES, without_failures};

#[tokio::test]
#[ignore = "takes minutes: cargo xtask interop --slow"]
async fn twenty_rotated_keys_in_a_file_cause_no_failed_request() -> Result<()> {
    without_failures(Kind::Files, &LiteLlm::python()?, &OF_FILES, 20).await
}

#[tokio::test]
#[ignore = "takes minutes: cargo xtask interop --slow"]
async fn twenty_rotated_keys_of_the_callback_cause_no_failed_request() -> Result<()> {
    without_failures(Kind::Live, &LiteLlm::python()?, &ALL, 20).await
}

#[tokio::test]
#[ignore = "takes minutes: cargo xtask interop --slow"]
async fn twenty_rotated_keys_cause_no_failed_request_in_the_older_litellm() -> Result<()> {
    without_failures(Kind::Live, &LiteLlm::older_python()?, &ALL, 20).await
}

/// LiteLLM's own Vault secret manager, with an interval of one second.
#[tokio::test]
#[ignore = "takes a minute: cargo xtask interop --slow"]
async fn litellm_alone_uses_a_rotated_key_after_a_restart_only() -> Result<()> {
    const INTERVALS: u32 = 30;
    let mut scene = Scene::new(Kind::Alone).await?;
    let proxy = Proxy::start(&LiteLlm::python()?, &scene.way, &scene.provider).await?;
    let load = Load::start(&proxy);
    scene.until_in_use().await?;
    let new = scene.write_another().await?;
    sleep(Duration::from_secs(1) * INTERVALS).await;
    ensure!(scene.provider.uses(&new).accepted == 0, "LiteLLM uses the new key");
    let (_, failures) = load.finish().await?;
    ensure!(failures.is_empty(), "{failures:#?}");
    let restarted = Instant::now();
    drop(proxy);
    let proxy = Proxy::start(&LiteLlm::python()?, &scene.way, &scene.provider).await?;
    let _load = Load::start(&proxy);
    let first = scene.provider.first_use(&new).await;
    println!("LiteLLM alone: not in {INTERVALS} s; {:?} after its restart", first - restarted);
    Ok(())
}
