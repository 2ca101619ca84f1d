//! Sidecars and files that do not show the new key: the old one is not revoked.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::json;
use testkit::{Km, Server, secret, write_private};

use super::world::{Mirror, World};
use crate::cli::common::{NAME, contains_all, fails, writer};
use crate::relay::Relay;
use crate::serve::sidecar::Sidecar;

/// Returns `km rotate` for a sidecar with its token.
fn km_for(world: &World, sidecar: &Sidecar) -> Result<Km> {
    let file = sidecar.files.path().join("client-token");
    if !file.exists() {
        write_private(&file, sidecar.token.clone().unwrap_or_default())?;
    }
    let km = world.km().args(["--sidecar", &sidecar.address, "--revoke", &world.provider.revoke()]);
    Ok(km.env("KM_SERVE_TOKEN_FILE", file).args(["--confirm-timeout", "3s"]))
}

fn expect_no_command(world: &World) -> Result<()> {
    assert_eq!(world.provider.log()?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn sidecar_without_a_listener_is_exit_4_in_time_and_nothing_is_minted() -> Result<()> {
    let world = World::new().await?;
    let revoke = world.provider.revoke();
    for address in ["127.0.0.1:1", "unix:/nonexistent/km.sock"] {
        let km = || {
            let km = world.km().args(["--revoke", &revoke, "--sidecar", address]);
            km.args(["--confirm-timeout", "500ms"])
        };
        let stderr = fails(km, 4, "unavailable").await?;
        contains_all(&stderr, &[address, "did not show version 1 within 500ms", "connect to km"])?;
    }
    expect_no_command(&world)
}

#[tokio::test]
async fn wrong_token_is_exit_3_at_once_and_nothing_is_minted() -> Result<()> {
    let world = World::new().await?;
    let sidecar = Sidecar::of(&world.fixture).await?;
    let wrong = sidecar.files.path().join("wrong");
    write_private(&wrong, secret("another"))?;
    let km = || {
        let km = km_for(&world, &sidecar).unwrap().env_remove("KM_SERVE_TOKEN_FILE");
        km.env("KM_SERVE_TOKEN_FILE", &wrong)
    };
    contains_all(&fails(km, 3, "auth").await?, &[&sidecar.address, "KM_SERVE_TOKEN_FILE"])?;
    expect_no_command(&world)
}

/// The version numbers of another location may be the same.
#[tokio::test]
async fn sidecar_of_another_location_never_confirms() -> Result<()> {
    let (world, other) = (World::new().await?, World::new().await?);
    let sidecar = Sidecar::of(&other.fixture).await?;
    let km = || km_for(&world, &sidecar).unwrap();
    contains_all(&fails(km, 4, "unavailable").await?, &["version 1 has another value"])?;
    other.fixture.put(NAME, json!({ "key": secret("second") })).await?;
    contains_all(&fails(km, 4, "unavailable").await?, &["version 2 instead of 1"])?;
    expect_no_command(&world)
}

#[tokio::test]
async fn sidecar_that_may_not_serve_the_secret_has_its_exit_code() -> Result<()> {
    let world = World::new().await?;
    let sidecar = Sidecar::start(world.fixture.km().env("KM_HOSTED_KEYS", "OTHER"), &[]).await?;
    let stderr = fails(|| km_for(&world, &sidecar).unwrap(), 6, "not_found").await?;
    contains_all(&stderr, &[&sidecar.address, NAME])?;
    expect_no_command(&world)
}

#[tokio::test]
async fn sidecar_that_ends_while_a_key_is_minted_leaves_both_keys_valid() -> Result<()> {
    let world = World::new().await?;
    let sidecar = Sidecar::of(&world.fixture).await?;
    let hold = world.provider.hold("mint")?;
    let running = km_for(&world, &sidecar)?.start().await?;
    world.provider.logged("begin mint", 1).await?;
    sidecar.stop().await?;
    hold.release()?;
    let output = running.finish().await?.expect(4)?;
    let expected = ["did not show version 2 within 3s", "the key of version 1 was not revoked"];
    contains_all(&output.stderr, &expected)?;
    assert_eq!(world.provider.ended()?, ["mint", "verify"]);
    assert!(world.provider.accepts(&world.first));
    world.expect_current_key_is_valid().await?;
    assert_eq!(world.recorded_version().await?, Some(1));
    // The next run completes it at another sidecar, and mints no key.
    let sidecar = Sidecar::of(&world.fixture).await?;
    let output = km_for(&world, &sidecar)?.run().await?.expect(0)?;
    contains_all(output.text()?, &["completing rotation", "confirmed version 2: sidecar "])?;
    world.expect_rotated(2).await
}

/// The sidecar responds, and serves the old key.
#[tokio::test]
async fn sidecar_that_cannot_reach_vault_does_not_confirm() -> Result<()> {
    let world = World::new().await?;
    let relay = Relay::to(world.fixture.server().address(), "").await?;
    let km = world.fixture.km().env("HCP_VAULT_ADDR", relay.address()).env("KM_DEADLINE", "1s");
    let sidecar = Sidecar::start(km, &[]).await?;
    let hold = world.provider.hold("mint")?;
    let running = km_for(&world, &sidecar)?.start().await?;
    world.provider.logged("begin mint", 1).await?;
    drop(relay);
    hold.release()?;
    let output = running.finish().await?.expect(4)?;
    contains_all(&output.stderr, &["version 1 instead of 2: refresh ", "was not revoked"])?;
    assert!(world.provider.accepts(&world.first));
    Ok(())
}

#[tokio::test]
async fn file_without_the_key_is_exit_4_and_nothing_is_minted() -> Result<()> {
    let world = World::new().await?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join(NAME);
    let km = || {
        let km = world.km().args(["--revoke", "true", "--files"]).args([directory.path()]);
        km.args(["--confirm-timeout", "1s"])
    };
    let expect = async |why: &str| {
        let stderr = fails(km, 4, "unavailable").await?;
        contains_all(&stderr, &[file.to_str().context("not UTF-8")?, why])
    };
    expect("No such file").await?;
    for content in ["another", &format!("{}\n", world.first), ""] {
        fs::write(&file, content)?;
        expect("not the key of version 1").await?;
    }
    fs::remove_file(&file)?;
    fs::create_dir(&file)?;
    expect("not a regular file").await?;
    expect_no_command(&world)
}

#[tokio::test]
async fn every_target_that_does_not_confirm_is_named() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let km = || {
        let km =
            world.km_for(&mirror).args(["--sidecar", "127.0.0.1:1", "--files", "/nonexistent"]);
        km.args(["--confirm-timeout", "1s"])
    };
    let stderr = fails(km, 4, "unavailable").await?;
    contains_all(&stderr, &["127.0.0.1:1", "/nonexistent"])?;
    assert!(!stderr.contains(mirror.path().to_str().context("not UTF-8")?), "{stderr}");
    Ok(())
}

/// A secret in a folder has the file of its last segment, as with `km sync`.
#[tokio::test]
async fn file_is_named_by_the_last_segment() -> Result<()> {
    let world = World::new().await?;
    let name = format!("team/{NAME}");
    world.fixture.put(&name, json!({ "key": world.first })).await?;
    let mirror = Mirror::of(&world).await?;
    let mint = world.provider.mint();
    let km = writer(&world.fixture).args(["rotate", &name, "--with", &mint]);
    let km = km.args(["--confirm-timeout", "1s", "--files"]).args([mirror.path()]);
    // The mirror shows the other secret, which has the same key.
    let output = km.run().await?.expect(4)?;
    contains_all(&output.stderr, &["did not show version 2"])
}

#[tokio::test]
async fn vault_that_is_sealed_before_the_confirmation_leaves_the_old_key() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let world = World::of(fixture).await?;
    let mirror = Mirror::of(&world).await?;
    let hold = world.provider.hold("after-verify")?;
    let running = world.km_for(&mirror).env("KM_DEADLINE", "1s").start().await?;
    world.provider.logged("end verify", 1).await?;
    server.seal().await?;
    hold.release()?;
    // The write was certainly not executed, but Vault cannot show that the key is not in use.
    let output = running.finish().await?.expect(4)?;
    contains_all(&output.stderr, &["sealed", "is not stored, and is still valid"])?;
    assert_eq!(world.provider.ended()?, ["mint", "verify"]);
    assert_eq!(world.provider.keys()?.len(), 2);
    Ok(())
}
