//! Rotators and other writers at the same time: the check-and-set of the data decides.

use anyhow::{Result, ensure};
use serde_json::json;
use testkit::{Flavor, Km, secret};
use tokio::task::JoinSet;

use super::world::{Mirror, World, revoking, until_printed};
use crate::cli::common::{NAME, contains_all};
use crate::cli::stopper::{Stop, Stopper};

/// Returns a mint of another provider command than [`World::km`], which is held on its own.
fn slow(world: &World) -> Km {
    let mint = world.provider.mint().replace("begin\n", "note 'begin slow'; hold slow\n");
    world.km_with(&mint, &world.provider.verify())
}

#[tokio::test]
async fn slower_rotator_revokes_its_key_and_is_exit_7() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let hold = world.provider.hold("slow")?;
    let running = revoking(slow(&world), &world.provider.revoke(), &mirror).start().await?;
    world.provider.logged("begin slow", 1).await?;
    // It sees a rotation that stored no key.
    let output = world.km_for(&mirror).run().await?.expect(0)?;
    contains_all(&output.stderr, &["stored no key; one that it minted may still be valid"])?;
    world.expect_rotated(2).await?;
    hold.release()?;
    let output = running.finish().await?.expect(7)?;
    let expected = ["version mismatch", "another writer was faster", "and is revoked"];
    contains_all(&output.stderr, &expected)?;
    world.expect_rotated(2).await
}

#[tokio::test]
async fn slower_rotator_that_cannot_revoke_names_its_key() -> Result<()> {
    let world = World::new().await?;
    let hold = world.provider.hold("slow")?;
    let running = slow(&world).start().await?;
    world.provider.logged("begin slow", 1).await?;
    world.km().run().await?.expect(0)?;
    hold.release()?;
    let output = running.finish().await?.expect(7)?;
    contains_all(&output.stderr, &["version mismatch", "is not stored, and is still valid"])?;
    assert_eq!(world.provider.keys()?.len(), 3);
    world.expect_stored(2).await
}

/// The loser's key is that of the winner: it must not be revoked.
#[tokio::test]
async fn key_that_both_rotators_minted_is_not_revoked() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let shared = secret("shared");
    world.provider.accept(&shared)?;
    let mint = world.provider.command(&format!("begin; echo {shared}; end"));
    let hold = world.provider.hold("mint")?;
    let km = || {
        revoking(world.km_with(&mint, &world.provider.verify()), &world.provider.revoke(), &mirror)
    };
    let one = km().start().await?;
    world.provider.logged("begin mint", 1).await?;
    let two = km().start().await?;
    world.provider.logged("begin mint", 2).await?;
    hold.release()?;
    let mut codes = [one.finish().await?.code, two.finish().await?.code];
    codes.sort_unstable();
    assert_eq!(codes, [0, 7]);
    assert_eq!(world.current().await?, (2, shared));
    world.expect_rotated(2).await
}

#[tokio::test]
async fn writer_that_overtakes_wins_and_the_next_run_revokes_the_old_key() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let hold = world.provider.hold("after-mint")?;
    let running = world.km_for(&mirror).start().await?;
    world.provider.logged("end mint", 1).await?;
    let other = secret("other");
    world.provider.accept(&other)?;
    world.fixture.put(NAME, json!({ "key": other, "user": "root" })).await?;
    hold.release()?;
    let output = running.finish().await?.expect(7)?;
    contains_all(&output.stderr, &["version mismatch", "and is revoked"])?;
    assert!(world.provider.accepts(&world.first));
    assert_eq!(world.current().await?, (2, other.clone()));
    let output = world.km_for(&mirror).run().await?.expect(0)?;
    contains_all(output.text()?, &["completing rotation", "revoked the key of version 1"])?;
    assert_eq!(world.current().await?, (2, other));
    world.expect_rotated(2).await
}

#[tokio::test]
async fn old_key_that_is_restored_before_the_revocation_is_not_revoked() -> Result<()> {
    // Before the new key is confirmed, and while it settles.
    for printed in ["stored ", "confirmed "] {
        let world = World::new().await?;
        let mirror = Mirror::of(&world).await?;
        let mut running = world.km_settling(&mirror, "2s").start().await?;
        until_printed(&mut running, printed).await?;
        world.fixture.put(NAME, json!({ "key": world.first, "user": "root" })).await?;
        let output = running.finish().await?.expect(7)?;
        contains_all(&output.stderr, &["version 3 has the old key again", "was not revoked"])?;
        world.expect_current_key_is_valid().await?;
        // The next run replaces it once more.
        let output = world.km_for(&mirror).run().await?.expect(0)?;
        contains_all(&output.stderr, &["may still be valid"])?;
        assert!(!world.provider.accepts(&world.first), "{printed}");
        world.expect_stored(4).await?;
    }
    Ok(())
}

/// The file shows the old key all the time.
#[tokio::test]
async fn old_key_that_is_restored_is_not_confirmed_as_a_new_one() -> Result<()> {
    let world = World::new().await?;
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join(NAME), &world.first)?;
    let mut running = world.km().args(["--files"]).args([directory.path()]).start().await?;
    until_printed(&mut running, "stored ").await?;
    world.fixture.put(NAME, json!({ "key": world.first, "user": "root" })).await?;
    let output = running.finish().await?.expect(7)?;
    contains_all(&output.stderr, &["version 3 has the old key again"])?;
    world.expect_current_key_is_valid().await
}

/// A newer key was stored while the targets were waited for: it counts too.
#[tokio::test]
async fn newer_version_is_confirmed_in_place_of_the_stored_one() -> Result<()> {
    for printed in ["stored ", "confirmed "] {
        let world = World::new().await?;
        let mirror = Mirror::of(&world).await?;
        let mut running = world.km_settling(&mirror, "2s").start().await?;
        until_printed(&mut running, printed).await?;
        let newer = secret("newer");
        world.provider.accept(&newer)?;
        world.fixture.put(NAME, json!({ "key": newer, "user": "root" })).await?;
        running.finish().await?.expect(0)?;
        assert!(!world.provider.accepts(&world.first), "{printed}");
        assert_eq!(world.current().await?, (3, newer));
        world.expect_stored(3).await?;
    }
    Ok(())
}

#[tokio::test]
async fn rotators_at_once_leave_one_valid_key() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let mut rotators = JoinSet::new();
    for _ in 0..5 {
        rotators.spawn(world.km_for(&mirror).run());
    }
    let mut stored = 0;
    while let Some(output) = rotators.join_next().await {
        let output = output??;
        ensure!(matches!(output.code, 0 | 7), "exit {}: {}", output.code, output.stderr);
        stored += u64::from(output.text()?.contains("\nstored "));
        world.expect_current_key_is_valid().await?;
    }
    assert!(stored > 0, "no rotator stored a key");
    // A rotator that began after the winner had ended has left its record.
    while world.recorded_version().await?.is_some() {
        world.km_for(&mirror).run().await?.expect(0)?;
    }
    world.expect_rotated(world.current().await?.0).await
}

/// The key of that version has still to be revoked.
#[tokio::test]
async fn record_of_a_later_rotation_is_left_alone() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let hold = world.provider.hold("after-revoke")?;
    let running = world.km_for(&mirror).start().await?;
    world.provider.logged("end revoke", 1).await?;
    world.put_record(r#"{"id":"later","old_version":2}"#).await?;
    hold.release()?;
    running.finish().await?.expect(0)?;
    assert_eq!(world.recorded_version().await?, Some(2));
    Ok(())
}

/// The number of the request that stores the record, see `killed.rs`.
const RECORD: usize = 5;

/// OpenBao compares the version of the metadata, so that a rotator that is overtaken mints no key.
#[tokio::test]
async fn rotator_that_is_overtaken_before_its_record_mints_nothing_on_openbao() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let server = world.fixture.server();
    let stopper = Stopper::to(server.address(), Stop::Before(RECORD)).await?;
    let km = world.km_for(&mirror).env_remove("HCP_VAULT_ADDR");
    let km = km.env("HCP_VAULT_ADDR", stopper.address()).env("KM_DEADLINE", "30s");
    let running = km.start().await?;
    stopper.stopped().await;
    let custom = json!({ "custom_metadata": { "owner": "team", "added": "meanwhile" } });
    let path = format!("{}/metadata/{NAME}", world.fixture.mount);
    server.must("POST", &path, custom).await?;
    stopper.release();
    let output = running.finish().await?;
    if server.flavor() == Flavor::OpenBao {
        contains_all(&output.expect(7)?.stderr, &["begin", "another rotation or a change"])?;
        assert_eq!(world.provider.log()?, [""; 0]);
        assert_eq!(world.recorded_version().await?, None);
    } else {
        output.expect(0)?;
    }
    assert_eq!(world.custom_metadata().await?["added"], "meanwhile");
    Ok(())
}
