//! Commands of the provider that fail.

use anyhow::{Result, ensure};
use testkit::Km;

use super::world::{Mirror, World, revoking};
use crate::cli::common::{contains_all, fails_as_json};

/// Returns whether nothing was stored, and the old key is valid.
async fn expect_unchanged(world: &World) -> Result<()> {
    let (version, key) = world.current().await?;
    ensure!((version, &key) == (1, &world.first), "version {version} is stored");
    world.expect_current_key_is_valid().await
}

#[tokio::test]
async fn failed_mint_changes_nothing_and_reports_the_rotation() -> Result<()> {
    for (mint, options, expected) in [
        ("exit 3", &[][..], "exit status: 3"),
        ("kill -9 $$", &[], "signal: 9"),
        ("exec 2> /dev/null; no-such-command", &[], "exit status: 127"),
        ("true", &[], "its output is empty"),
        ("echo", &[], "its output is empty"),
        (r"printf '\377'", &[], "its output is not UTF-8"),
        ("head -c 800000 /dev/zero | tr '\\0' a", &[], "its output is larger than 768 KiB"),
        ("cat /dev/zero", &[], "its output is larger than 768 KiB"),
        ("sleep 60 | sleep 60", &["--command-timeout", "300ms"], "timed out after 300ms"),
        ("echo PLANTED-early; exec sleep 60", &["--command-timeout", "300ms"], "timed out"),
    ] {
        let world = World::new().await?;
        let mirror = Mirror::of(&world).await?;
        let km = world.km_with(mint, &world.provider.verify());
        let km = revoking(km, &world.provider.revoke(), &mirror).args(options);
        let error = fails_as_json(km.args(["--json"]), 4, "unavailable").await?.to_string();
        let expected = ["mint: the command failed: ", expected, "may have one of rotation"];
        contains_all(&error, &expected)?;
        expect_unchanged(&world).await?;
        assert_eq!(world.provider.log()?, [""; 0], "{mint}");
    }
    Ok(())
}

/// Otherwise the current key would be revoked.
#[tokio::test]
async fn minted_key_that_is_the_current_one_is_neither_stored_nor_revoked() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let mint = format!("echo {}", world.first);
    let km = world.km_with(&mint, &world.provider.verify());
    let output = revoking(km, &world.provider.revoke(), &mirror).run().await?.expect(4)?;
    contains_all(&output.stderr, &["mint: the key is the current one", "--with"])?;
    assert_eq!(world.provider.log()?, [""; 0]);
    expect_unchanged(&world).await
}

#[tokio::test]
async fn new_key_that_is_not_verified_is_revoked() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let km = world.km_with(&world.provider.mint(), "cat > /dev/null; exit 1");
    let output = revoking(km, &world.provider.revoke(), &mirror).run().await?.expect(4)?;
    contains_all(&output.stderr, &["verify: the command failed", "is revoked", "the old key"])?;
    contains_all(output.text()?, &["minted a key", "revoked the new key, which is not stored"])?;
    assert_eq!(world.provider.ended()?.last().map(String::as_str), Some("discard"));
    assert_eq!(world.provider.keys()?.len(), 1);
    expect_unchanged(&world).await
}

#[tokio::test]
async fn new_key_that_is_not_verified_is_named_if_it_cannot_be_revoked() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let mint = world.provider.mint();
    let without = || world.km_with(&mint, "exit 1");
    let failing = || revoking(world.km_with(&mint, "exit 1"), "exit 9", &mirror);
    for (km, expected) in [
        (&without as &dyn Fn() -> Km, "verify: the command failed"),
        (&failing, "discard: the command failed: exit status: 9"),
    ] {
        let output = km().run().await?.expect(4)?;
        contains_all(&output.stderr, &[expected, "is not stored, and is still valid"])?;
        let id = output.text()?.split(['(', ')']).nth(1).unwrap_or_default().to_owned();
        contains_all(&output.stderr, &["verify: the command failed", &id])?;
        expect_unchanged(&world).await?;
    }
    assert_eq!(world.provider.keys()?.len(), 3);
    Ok(())
}

#[tokio::test]
async fn failed_revocation_leaves_both_keys_and_is_completed_by_the_next_run() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let output = revoking(world.km(), "cat > /dev/null; exit 1", &mirror).run().await?.expect(4)?;
    contains_all(&output.stderr, &["revoke: the command failed: exit status: 1", "completes"])?;
    let (version, key) = world.current().await?;
    assert_eq!(version, 2);
    assert!(world.provider.accepts(&key) && world.provider.accepts(&world.first));
    assert_eq!(world.recorded_version().await?, Some(1));
    let output = world.km_for(&mirror).run().await?.expect(0)?;
    contains_all(output.text()?, &["completing rotation", "revoked the key of version 1"])?;
    world.expect_rotated(2).await?;
    // The key that is stored already was verified again.
    assert_eq!(world.provider.ended()?, ["mint", "verify", "verify", "revoke"]);
    Ok(())
}

/// The last valid key is not revoked, even if another writer stored a key that is not valid.
#[tokio::test]
async fn old_key_is_not_revoked_while_the_stored_one_is_not_verified() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    revoking(world.km(), "exit 1", &mirror).run().await?.expect(4)?;
    let km = world.km_with(&world.provider.mint(), "exit 1");
    let output = revoking(km, &world.provider.revoke(), &mirror).run().await?.expect(4)?;
    contains_all(&output.stderr, &["verify: the command failed", "version 1 was not revoked"])?;
    assert!(world.provider.accepts(&world.first));
    assert_eq!(world.recorded_version().await?, Some(1));
    Ok(())
}

#[tokio::test]
async fn failure_with_json_has_one_document_on_each_stream() -> Result<()> {
    let world = World::new().await?;
    let km = world.km_with(&world.provider.mint(), "exit 1").args(["--json"]);
    let output = km.run().await?.expect(4)?;
    let document: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(document["steps"], serde_json::json!(["minted"]));
    let error: serde_json::Value = serde_json::from_str(&output.stderr)?;
    assert_eq!(error["error"]["kind"], "unavailable");
    // Nothing is on stdout before a rotation has begun.
    let km = world.km().args(["--json", "--revoke", "true"]);
    fails_as_json(km, 2, "usage").await.map(drop)
}

/// A pipeline ends as a whole, so that no part of it acts after km has given up.
#[tokio::test]
async fn command_that_times_out_is_ended_with_its_children() -> Result<()> {
    let world = World::new().await?;
    let children = world.provider.path().join("children");
    let mint = format!("(sh -c 'echo $$ >> {0}; exec sleep 600') & wait", children.display());
    let km = world.km_with(&mint, "true").args(["--command-timeout", "500ms"]);
    km.run().await?.expect(4)?;
    let child = std::fs::read_to_string(children)?;
    let process = std::path::PathBuf::from(format!("/proc/{}/stat", child.trim()));
    // An orphan is a zombie until PID 1 reaps it.
    let ended = async || {
        let stat = std::fs::read_to_string(&process).unwrap_or_default();
        Ok(stat.is_empty() || stat.contains(") Z"))
    };
    crate::product::until("the end of the child", ended).await
}
