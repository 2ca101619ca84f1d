//! Rotations that succeed: their steps, their output, and what they leave alone.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{FixtureSpec, secret, write_private};
use tokio::time::Instant;

use super::world::{Mirror, World, revoking};
use crate::cli::common::{NAME, contains_all};
use crate::serve::sidecar::Sidecar;

#[tokio::test]
async fn key_is_minted_verified_stored_confirmed_and_the_old_one_revoked() -> Result<()> {
    let world = World::new().await?;
    let sidecar = Sidecar::of(&world.fixture).await?;
    let token = sidecar.files.path().join("client-token");
    write_private(&token, sidecar.token.clone().unwrap_or_default())?;
    let mirror = Mirror::of(&world).await?;
    // The sidecar holds the old key.
    sidecar.get(&format!("/km/v1/secrets/{NAME}")).await?.expect(200)?;
    let km = world.km_for(&mirror).args(["--sidecar", &sidecar.address]);
    let output = km.env("KM_SERVE_TOKEN_FILE", &token).run().await?.expect(0)?;
    assert_eq!(world.provider.ended()?, ["mint", "verify", "revoke"]);
    world.expect_rotated(2).await?;
    let lines: Vec<_> = output.text()?.lines().collect();
    let file = mirror.path().join(NAME);
    assert!(lines[0].starts_with("minted a key (rotation "), "{lines:?}");
    assert_eq!(lines[1], "verified it");
    assert_eq!(lines[2], format!("stored {}/data/{NAME} version 2", world.fixture.mount));
    let confirmed = format!("confirmed version 2: sidecar {}, {}", sidecar.address, file.display());
    assert_eq!(lines[3], confirmed);
    assert_eq!(lines[4..], ["waited 0ns", "revoked the key of version 1"]);
    let served = sidecar.get(&format!("/km/v1/secrets/{NAME}")).await?.expect(200)?.json()?;
    assert_eq!(served["value"], json!(world.current().await?.1));
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn json_output_is_one_document_with_the_steps() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let output = world.km_for(&mirror).args(["--json"]).run().await?.expect(0)?;
    assert_eq!(output.stderr, "");
    let document: Value = serde_json::from_slice(&output.stdout)?;
    let id = document["id"].as_str().unwrap_or_default();
    let expected = json!({
        "name": NAME, "id": id, "old_version": 1, "new_version": 2, "resumed": false,
        "abandoned": null, "warnings": [],
        "steps": ["minted", "verified", "stored", "confirmed", "settled", "revoked"],
    });
    assert_eq!(document, expected);
    assert_eq!(world.current().await?.1, format!("PLANTED-minted-{id}"));
    Ok(())
}

#[tokio::test]
async fn old_key_stays_valid_without_a_command_that_revokes() -> Result<()> {
    let world = World::new().await?;
    let output = world.km().run().await?.expect(0)?;
    contains_all(output.text()?, &["the key of version 1 is still valid: revoke it"])?;
    world.expect_stored(2).await?;
    assert!(world.provider.accepts(&world.first));
    assert_eq!(world.provider.ended()?, ["mint", "verify"]);
    Ok(())
}

#[tokio::test]
async fn old_key_is_revoked_after_the_time_to_settle() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let started = Instant::now();
    let output = world.km_settling(&mirror, "1500ms").run().await?.expect(0)?;
    assert!(started.elapsed() >= Duration::from_millis(1500), "{:?}", started.elapsed());
    contains_all(output.text()?, &["waited 1.5s\nrevoked"])?;
    world.expect_rotated(2).await
}

/// A line ending is not part of a key in either direction.
#[tokio::test]
async fn commands_receive_their_input_in_the_environment_and_no_credentials() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let (path, key) = (world.provider.path().display(), secret("second"));
    let show = format!(
        "env > '{path}'/env-$KM_ROTATE_STEP; cat > '{path}'/stdin-$KM_ROTATE_STEP; \
         echo PLANTED-output-of-$KM_ROTATE_STEP"
    );
    let mint = format!("env > '{path}'/env-mint; cat > '{path}'/stdin-mint; printf '{key}\r\n'");
    let km = revoking(world.km_with(&mint, &show), &show, &mirror);
    let km = km.env("VAULT_TOKEN", secret("token")).env("PROVIDER_ADMIN_KEY", "admin");
    let output = km.args(["--json"]).run().await?.expect(0)?;
    let document: Value = serde_json::from_slice(&output.stdout)?;
    let id = document["id"].as_str().unwrap_or_default();
    for (step, stdin, new_version) in [
        ("mint", "", None),
        ("verify", key.as_str(), None),
        ("revoke", world.first.as_str(), Some("KM_ROTATE_NEW_VERSION=2")),
    ] {
        let read = |name: &str| {
            std::fs::read_to_string(world.provider.path().join(format!("{name}-{step}")))
        };
        assert_eq!(read("stdin")?, stdin, "{step}");
        let environment = read("env")?;
        let set = |variable: &str| environment.lines().any(|line| line == variable);
        for variable in [
            format!("KM_ROTATE_STEP={step}"),
            format!("KM_ROTATE_NAME={NAME}"),
            format!("KM_ROTATE_ID={id}"),
            "KM_ROTATE_OLD_VERSION=1".to_owned(),
            "PROVIDER_ADMIN_KEY=admin".to_owned(),
        ] {
            assert!(set(&variable), "{step}: no {variable}");
        }
        assert_eq!(new_version.is_some_and(set), new_version.is_some(), "{step}");
        assert_eq!(environment.contains("KM_ROTATE_NEW_VERSION"), new_version.is_some(), "{step}");
        for credential in ["HCP_VAULT_", "VAULT_TOKEN", &world.first, &key] {
            assert!(!environment.contains(credential), "{step}: {credential} is set");
        }
    }
    assert_eq!(world.current().await?, (2, key));
    Ok(())
}

#[tokio::test]
async fn second_rotation_begins_where_the_first_one_ended() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    for version in 2..=4 {
        world.km_for(&mirror).run().await?.expect(0)?;
        world.expect_rotated(version).await?;
    }
    Ok(())
}

/// As the policy that `km check --policy` prints, and its comment, say.
#[tokio::test]
async fn printed_rights_and_patch_on_the_metadata_are_enough() -> Result<()> {
    let policy = |mount: &str| {
        format!(
            r#"path "{mount}/data/*" {{ capabilities = ["create", "read", "update"] }}
            path "{mount}/metadata/*" {{ capabilities = ["read", "patch"] }}"#
        )
    };
    let world = World::with(FixtureSpec { policy: Some(policy), ..Default::default() }).await?;
    let mirror = Mirror::of(&world).await?;
    world.km_for(&mirror).run().await?.expect(0)?;
    world.expect_rotated(2).await
}

#[tokio::test]
async fn metadata_that_requires_check_and_set_is_changed_with_it() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let path = format!("{}/config", world.fixture.mount);
    // Vault ignores the second setting.
    let settings = json!({ "cas_required": true, "metadata_cas_required": true });
    world.fixture.server().must("POST", &path, settings).await?;
    world.km_for(&mirror).run().await?.expect(0)?;
    world.expect_rotated(2).await
}

#[tokio::test]
async fn custom_metadata_of_another_writer_is_kept() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    let hold = world.provider.hold("mint")?;
    let running = world.km_for(&mirror).start().await?;
    world.provider.logged("begin mint", 1).await?;
    let mut custom = world.custom_metadata().await?;
    custom["added"] = json!("meanwhile");
    let path = format!("{}/metadata/{NAME}", world.fixture.mount);
    world.fixture.server().must("POST", &path, json!({ "custom_metadata": custom })).await?;
    hold.release()?;
    running.finish().await?.expect(0)?;
    let custom = world.custom_metadata().await?;
    assert_eq!(custom, json!({ "owner": "team", "added": "meanwhile" }));
    Ok(())
}

#[tokio::test]
async fn write_only_mode_rotates_without_revoking() -> Result<()> {
    let world = World::new().await?;
    let km = world.km().env_remove("KM_ACCESS_MODE").env("KM_ACCESS_MODE", "write_only");
    km.run().await?.expect(0)?;
    world.expect_stored(2).await
}
