//! Rotations that are rejected before a key is minted, and records that cannot be completed.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{FixtureSpec, Km, secret};

use super::world::{Mirror, World, revoking};
use crate::cli::common::{NAME, contains_all, fails, rejected, writer};

fn rotate(km: Km, options: &[&str]) -> Km {
    km.env("KM_ACCESS_MODE", "read_and_write")
        .args(["rotate", NAME, "--with", "echo key"])
        .args(options)
}

#[tokio::test]
async fn invalid_options_are_exit_2_and_nothing_is_sent() -> Result<()> {
    for (options, expected) in [
        (&["--revoke", "true"][..], "--revoke requires --sidecar or --files"),
        (&["--verify", ""], "--verify is empty"),
        (&["--sidecar", "10.0.0.1:8210"], "invalid --sidecar: not a loopback address"),
        (&["--sidecar", "unix:"], "invalid --sidecar"),
        (&["--settle", "soon"], "--settle"),
        (&["--confirm-timeout", "0"], "must not be 0"),
        (&["--command-timeout=-1s"], "--command-timeout"),
    ] {
        let stderr = rejected("usage", |km| rotate(km, options)).await?;
        contains_all(&stderr, &[expected])?;
    }
    rejected("usage", |km| km.args(["rotate", NAME])).await.map(drop)
}

#[tokio::test]
async fn access_mode_that_forbids_it_is_exit_5_and_nothing_is_sent() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    for (mode, expected) in [("read_only", "read_only"), ("write_only", "revoke the old key")] {
        let km = || {
            let km = world.km_for(&mirror).env_remove("KM_ACCESS_MODE");
            km.env("KM_ACCESS_MODE", mode)
        };
        contains_all(&fails(km, 5, "denied").await?, &[expected, mode])?;
    }
    assert_eq!(world.provider.log()?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn secret_without_a_key_has_its_exit_code() -> Result<()> {
    let world = World::new().await?;
    let fixture = &world.fixture;
    fixture.put("EMPTY", json!({ "key": "" })).await?;
    fixture.put("NUMBER", json!({ "key": 7 })).await?;
    fixture.put("FIELDS", json!({ "other": "x" })).await?;
    fixture.put("DELETED", json!({ "key": secret("key") })).await?;
    fixture.server().must("DELETE", &format!("{}/data/DELETED", fixture.mount), None).await?;
    for (name, code, kind) in [
        ("ABSENT", 6, "not_found"),
        ("DELETED", 6, "not_found"),
        ("EMPTY", 8, "stored_value"),
        ("NUMBER", 8, "stored_value"),
        ("FIELDS", 8, "stored_value"),
        ("litellm/alias", 5, "denied"),
        ("../NAME", 2, "usage"),
    ] {
        let mint = world.provider.mint();
        let km = || writer(fixture).args(["rotate", name, "--with", &mint]);
        contains_all(&fails(km, code, kind).await?, &[&format!("rotate {name}")[..]])
            .or_else(|error| if code == 2 { Ok(()) } else { Err(error) })?;
    }
    assert_eq!(world.provider.log()?, [""; 0]);
    Ok(())
}

/// The right to change the metadata is missing, so that nothing may be minted.
#[tokio::test]
async fn token_without_patch_on_the_metadata_is_exit_5_and_mints_nothing() -> Result<()> {
    let policy = |mount: &str| {
        format!(
            r#"path "{mount}/data/*" {{ capabilities = ["create", "read", "update"] }}
            path "{mount}/metadata/*" {{ capabilities = ["read", "create", "update"] }}"#
        )
    };
    let world = World::with(FixtureSpec { policy: Some(policy), ..Default::default() }).await?;
    let stderr = fails(|| world.km(), 5, "denied").await?;
    contains_all(&stderr, &["begin", "permission denied", "`patch`"])?;
    assert_eq!(world.provider.log()?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn record_of_another_form_is_exit_8_and_kept() -> Result<()> {
    let world = World::new().await?;
    world.put_record("something else").await?;
    let stderr = fails(|| world.km(), 8, "stored_value").await?;
    contains_all(&stderr, &["km_rotation"])?;
    assert_eq!(world.custom_metadata().await?["km_rotation"], "something else");
    assert_eq!(world.provider.log()?, [""; 0]);
    Ok(())
}

/// The old key cannot be read any more: the operator has to revoke it, and says so by leaving out
/// `--revoke`.
#[tokio::test]
async fn old_key_that_cannot_be_read_is_reported_until_the_operator_takes_over() -> Result<()> {
    for (endpoint, method, state) in
        [("destroy", "PUT", "destroyed"), ("delete", "POST", "deleted")]
    {
        let world = World::new().await?;
        let mirror = Mirror::of(&world).await?;
        revoking(world.km(), "exit 1", &mirror).run().await?.expect(4)?;
        let path = format!("{}/{endpoint}/{NAME}", world.fixture.mount);
        world.fixture.server().must(method, &path, json!({ "versions": [1] })).await?;
        for _ in 0..2 {
            let output = world.km_for(&mirror).run().await?.expect(6)?;
            contains_all(&output.stderr, &["version 1", state, "at the provider"])?;
            assert_eq!(world.recorded_version().await?, Some(1));
        }
        let output = world.km().run().await?.expect(0)?;
        contains_all(output.text()?, &["the key of version 1 is still valid"])?;
        world.expect_stored(2).await?;
        assert_eq!(world.provider.ended()?.last().map(String::as_str), Some("verify"));
    }
    Ok(())
}

/// The right to write metadata is not enough to have the current key revoked.
#[tokio::test]
async fn record_about_the_current_or_a_later_version_revokes_nothing_but_a_replaced_key()
-> Result<()> {
    for old_version in [1, 2, 7] {
        let world = World::new().await?;
        let mirror = Mirror::of(&world).await?;
        // The same key in another version.
        world.fixture.put(NAME, json!({ "key": world.first, "user": "root" })).await?;
        world.put_record(&format!(r#"{{"id":"planted","old_version":{old_version}}}"#)).await?;
        let output = world.km_for(&mirror).args(["--json"]).run().await?.expect(0)?;
        let document: Value = serde_json::from_slice(&output.stdout)?;
        assert_eq!(document["abandoned"], "planted", "{old_version}");
        world.expect_rotated(3).await?;
    }
    Ok(())
}
