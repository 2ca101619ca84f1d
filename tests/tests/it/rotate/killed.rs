//! `kill -9` at any point of a rotation: the key that Vault holds stays valid, and the next run
//! completes the rotation.

use anyhow::{Result, ensure};
use testkit::{Running, Server};

use super::world::{Mirror, World, until_printed};
use crate::cli::common::contains_all;
use crate::cli::stopper::{Stop, Stopper};

/// The requests of a run: login, metadata, data, data (the targets show it), type of the mount,
/// record; write, data (the targets show it), data, metadata, record; revocation of the token.
const REQUESTS: usize = 12;

/// The number of the write.
const WRITE: usize = 6;

/// Runs the command until the record is gone: once to complete a rotation, and once more if nothing
/// was stored.
async fn complete(world: &World, mirror: &Mirror) -> Result<String> {
    let output = world.km_for(mirror).run().await?.expect(0)?;
    ensure!(world.recorded_version().await?.is_none(), "a record is left");
    world.expect_current_key_is_valid().await?;
    ensure!(!world.provider.accepts(&world.first), "the first key is still valid");
    Ok(output.stderr)
}

/// Fails unless nothing but the current key and what the killed run has minted is valid.
async fn expect_only_lost_keys(world: &World, warned: bool) -> Result<()> {
    let keys = world.provider.keys()?;
    let (_, current) = world.current().await?;
    let lost = keys.iter().filter(|key| **key != current).count();
    ensure!(lost == 0 || (lost == 1 && warned), "{lost} other keys are valid, warned: {warned}");
    Ok(())
}

#[tokio::test]
async fn rotation_killed_at_any_request_keeps_a_valid_key_and_is_completed() -> Result<()> {
    let all = (0..=2 * REQUESTS).flat_map(|number| [Stop::Before(number), Stop::After(number)]);
    for (stops, stop) in all.enumerate() {
        let world = World::new().await?;
        let mirror = Mirror::of(&world).await?;
        let stopper = Stopper::to(world.fixture.server().address(), stop).await?;
        let km = world.km_for(&mirror).env_remove("HCP_VAULT_ADDR");
        let mut running = km.env("HCP_VAULT_ADDR", stopper.address()).start().await?;
        let completed = tokio::select! {
            () = stopper.stopped() => {
                running.child().kill().await?;
                false
            }
            status = running.child().wait() => status?.success(),
        };
        world.expect_current_key_is_valid().await?;
        if completed {
            world.expect_rotated(2).await?;
            // The current key is read once more if the file is updated late.
            ensure!(stops >= 2 * REQUESTS, "only {stops} stops");
            return Ok(());
        }
        let stderr = complete(&world, &mirror).await?;
        expect_only_lost_keys(&world, stderr.contains("may still be valid")).await?;
    }
    anyhow::bail!("the command never completed")
}

/// Kills a run whose command is held at a point, and lets the command go on, which survives.
async fn kill_at(world: &World, mirror: &Mirror, point: &str, line: &str) -> Result<()> {
    let hold = world.provider.hold(point)?;
    let mut running: Running = world.km_for(mirror).start().await?;
    world.provider.logged(line, 1).await?;
    running.child().kill().await?;
    world.expect_current_key_is_valid().await?;
    hold.release()?;
    let step = point.trim_start_matches("after-");
    world.provider.logged(&format!("end {step}"), 1).await?;
    world.expect_current_key_is_valid().await
}

#[tokio::test]
async fn rotation_killed_in_any_command_keeps_a_valid_key_and_is_completed() -> Result<()> {
    for (point, line, minted, warned) in [
        ("mint", "begin mint", 2, true),
        ("after-mint", "end mint", 2, true),
        ("verify", "begin verify", 2, true),
        ("after-verify", "end verify", 2, true),
        ("revoke", "begin revoke", 1, false),
        ("after-revoke", "end revoke", 1, false),
    ] {
        let world = World::new().await?;
        let mirror = Mirror::of(&world).await?;
        kill_at(&world, &mirror, point, line).await?;
        assert_eq!(world.recorded_version().await?, Some(1), "{point}");
        let stderr = complete(&world, &mirror).await?;
        assert_eq!(stderr.contains("may still be valid"), warned, "{point}: {stderr}");
        let mints = world.provider.ended()?.iter().filter(|step| *step == "mint").count();
        assert_eq!(mints, minted, "{point}");
        expect_only_lost_keys(&world, warned).await?;
        world.expect_stored(2).await?;
    }
    Ok(())
}

#[tokio::test]
async fn rotation_killed_while_it_waits_keeps_both_keys_and_is_completed() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let mut running = world.km_settling(&mirror, "1h").start().await?;
    until_printed(&mut running, "confirmed ").await?;
    running.child().kill().await?;
    assert!(world.provider.accepts(&world.first));
    complete(&world, &mirror).await?;
    world.expect_rotated(2).await
}

/// The response is lost, and Vault cannot show what happened: the new key may be the current one.
#[tokio::test]
async fn new_key_that_may_be_stored_is_not_revoked() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let world = World::of(fixture).await?;
    let mirror = Mirror::of(&world).await?;
    let stopper = Stopper::to(server.address(), Stop::After(WRITE)).await?;
    let km = world.km_for(&mirror).env_remove("HCP_VAULT_ADDR").env("KM_DEADLINE", "4s");
    let running = km.env("HCP_VAULT_ADDR", stopper.address()).start().await?;
    stopper.stopped().await;
    server.seal().await?;
    let output = running.finish().await?.expect(7)?;
    contains_all(&output.stderr, &["may be stored as version 2", "run the command again"])?;
    assert_eq!(world.provider.ended()?, ["mint", "verify"]);
    assert_eq!(world.provider.keys()?.len(), 2);
    Ok(())
}

/// The response is lost, but Vault shows that the key is stored.
#[tokio::test]
async fn write_whose_response_is_lost_is_continued() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let address = world.fixture.server().address();
    let stopper = Stopper::to(address, Stop::After(WRITE)).await?;
    let km = world.km_for(&mirror).env_remove("HCP_VAULT_ADDR");
    km.env("HCP_VAULT_ADDR", stopper.address()).run().await?.expect(0)?;
    world.expect_rotated(2).await
}
