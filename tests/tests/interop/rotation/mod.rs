//! Rotations of a provider's key while LiteLLM serves 50 requests a second: no client sees a failure.
//!
//! LiteLLM has the configuration of the guide to rotations.

mod load;
mod proxy;
mod scene;
mod way;

/// Run by `cargo xtask interop --slow`.
mod slow;

use anyhow::{Context, Result, ensure};
use testkit::LiteLlm;
use tokio::sync::Mutex;

use load::Load;
use proxy::Proxy;
use scene::{Rotation, Scene};
use way::Kind;

const ALL: [Rotation; 3] = [Rotation::Command, Rotation::Write, Rotation::Replacement];

/// Without the callback, a rejected key is a failed request.
const OF_FILES: [Rotation; 2] = [Rotation::Command, Rotation::Write];

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn rotated_key_in_a_file_causes_no_failed_request() -> Result<()> {
    without_failures(Kind::Files, &LiteLlm::python()?, &OF_FILES, 3).await
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn rotated_key_of_the_callback_causes_no_failed_request() -> Result<()> {
    without_failures(Kind::Live, &LiteLlm::python()?, &ALL, 3).await
}

#[tokio::test]
#[ignore = "needs LiteLLM: cargo xtask interop"]
async fn rotated_key_of_the_callback_causes_no_failed_request_in_the_older_litellm() -> Result<()> {
    without_failures(Kind::Live, &LiteLlm::older_python()?, &ALL, 3).await
}

/// Rotates the key so many times in each of these manners, and prints the times from the write to the
/// first use.
async fn without_failures(
    kind: Kind,
    python: &str,
    rotations: &[Rotation],
    times: usize,
) -> Result<()> {
    // The gateways of several tests would be slower than their load.
    static ONE_GATEWAY: Mutex<()> = Mutex::const_new(());
    let _permit = ONE_GATEWAY.lock().await;
    let mut scene = Scene::new(kind).await?;
    let proxy = Proxy::start(python, &scene.way, &scene.provider).await?;
    let load = Load::start(&proxy);
    scene.until_in_use().await?;
    for rotation in rotations {
        let rejected = scene.provider.rejected();
        let mut delays = Vec::new();
        for _ in 0..times {
            delays.push(scene.rotate(*rotation).await.with_context(|| format!("{rotation:?}"))?);
            // A request is repeated once, so that it survives one rotation.
            load.until_answered().await;
        }
        let rejected = scene.provider.rejected() - rejected;
        scene::print(&format!("{kind:?}, {rotation:?}"), &mut delays, rejected);
        let failures = load.failures();
        ensure!(failures.is_empty(), "{kind:?}, {rotation:?}: {failures:#?}\n{}", proxy.log()?);
        match (kind, rotation) {
            (Kind::Live, Rotation::Replacement) => ensure!(rejected > 0, "no key was rejected"),
            (Kind::Files, _) => ensure!(rejected == 0, "{rotation:?}: an old key was used"),
            _ => {}
        }
    }
    let (requests, failures) = load.finish().await?;
    scene::print_line(&format!("{kind:?}: {requests} requests, {} failed", failures.len()));
    ensure!(failures.is_empty(), "{kind:?}: {failures:#?}\n{}", proxy.log()?);
    proxy.expect_no_key_in_its_log(scene.keys())?;
    scene.end().await
}
