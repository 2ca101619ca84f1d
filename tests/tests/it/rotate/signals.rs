//! SIGINT and SIGTERM: the command ends within 5 s, says what is left to do, and is completed
//! by the next run.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::io::AsyncReadExt as _;
use tokio::process::ChildStderr;
use tokio::time::Instant;

use super::world::{Mirror, World, until_printed};
use crate::cli::common::contains_all;

const EXIT_TIMEOUT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn signal_in_any_command_ends_it_and_the_next_run_completes() -> Result<()> {
    for (signal, point, line, expected) in [
        ("INT", "mint", "begin mint", "the provider may have one of rotation"),
        ("TERM", "after-mint", "end mint", "the provider may have one of rotation"),
        ("INT", "verify", "begin verify", "is not stored, and is still valid"),
        ("TERM", "revoke", "begin revoke", "the key of version 1 may be revoked"),
        ("INT", "after-revoke", "end revoke", "the key of version 1 may be revoked"),
    ] {
        let world = World::new().await?;
        let mirror = Mirror::of(&world).await?;
        let hold = world.provider.hold(point)?;
        let running = world.km_for(&mirror).start().await?;
        world.provider.logged(line, 1).await?;
        running.signal(signal)?;
        let started = Instant::now();
        let output = running.finish().await?.expect(4)?;
        ensure!(started.elapsed() < EXIT_TIMEOUT, "{point}: {:?}", started.elapsed());
        contains_all(&output.stderr, &["km: interrupted by a signal", "hint: ", expected])?;
        ensure!(output.stderr.matches("interrupted").count() == 1, "{}", output.stderr);
        world.expect_current_key_is_valid().await?;
        // The command was ended, and does nothing when it would go on.
        let before = world.provider.log()?;
        hold.release()?;
        world.km_for(&mirror).run().await?.expect(0)?;
        world.expect_stored(2).await?;
        ensure!(!world.provider.accepts(&world.first), "{point}");
        assert_eq!(world.provider.log()?[..before.len()], before, "{point}");
    }
    Ok(())
}

#[tokio::test]
async fn signal_while_waiting_ends_at_once_and_the_next_run_completes() -> Result<()> {
    let world = World::new().await?;
    let mirror = Mirror::of(&world).await?;
    // Before a key is minted.
    let km = world.km_for(&mirror).args(["--files", "/nonexistent"]);
    let mut running = km.start().await?;
    let mut stderr = running.child().stderr.take();
    wait_for_log(&mut stderr, "waiting for /nonexistent").await?;
    running.signal("INT")?;
    running.finish().await?.expect(4)?;
    assert_eq!(world.provider.log()?, [""; 0]);
    assert_eq!(world.recorded_version().await?, None);
    // While the new key settles.
    let mut running = world.km_settling(&mirror, "1h").start().await?;
    until_printed(&mut running, "confirmed ").await?;
    running.signal("TERM")?;
    let started = Instant::now();
    let output = running.finish().await?.expect(4)?;
    ensure!(started.elapsed() < EXIT_TIMEOUT, "{:?}", started.elapsed());
    contains_all(&output.stderr, &["the key of version 1 was not revoked", "completes"])?;
    world.km_for(&mirror).run().await?.expect(0)?;
    world.expect_rotated(2).await
}

/// Waits until a text is on stderr.
async fn wait_for_log(stderr: &mut Option<ChildStderr>, text: &str) -> Result<()> {
    let mut bytes = Vec::new();
    while let Some(stderr) = stderr {
        ensure!(stderr.read_buf(&mut bytes).await? > 0, "no {text:?} on stderr");
        if String::from_utf8_lossy(&bytes).contains(text) {
            break;
        }
    }
    Ok(())
}
