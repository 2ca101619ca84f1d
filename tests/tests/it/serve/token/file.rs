//! The token file: which files are accepted, and how one is created.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use tempfile::TempDir;
use testkit::{Km, write_private};

use crate::serve::sidecar::Sidecar;

const VALID_TOKEN: &str = "0123456789abcdef";

fn serve(token_file: &Path) -> Km {
    let km = Km::new().env("HCP_VAULT_TOKEN", "t");
    km.args(["serve", "--listen", "127.0.0.1:0", "--token-file"]).args([token_file])
}

/// Creates a file with this content and mode.
fn file(directory: &TempDir, name: &str, content: &str, mode: u32) -> Result<PathBuf> {
    let path = directory.path().join(name);
    write_private(&path, content)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    Ok(path)
}

/// Fails unless `km serve` exits with 2 and this reason before it listens.
async fn rejected(path: &Path, why: &str) -> Result<()> {
    let output = serve(path).run().await?.expect(2)?;
    let line = format!("km: settings: --token-file {}: ", path.display());
    ensure!(output.stderr.contains(&line), "{}", output.stderr);
    ensure!(output.stderr.contains(why), "no {why:?}: {}", output.stderr);
    ensure!(output.stderr.contains("hint: "), "{}", output.stderr);
    ensure!(output.stdout.is_empty(), "it reported a listening address");
    Ok(())
}

#[tokio::test]
async fn token_file_that_another_user_controls_or_reads_is_rejected() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let good = file(&directory, "good", VALID_TOKEN, 0o600)?;
    let link = directory.path().join("link");
    symlink(&good, &link)?;
    rejected(&link, "is a symbolic link").await?;
    for mode in [0o604, 0o644, 0o666, 0o620, 0o602] {
        let path = file(&directory, &format!("{mode:o}"), VALID_TOKEN, mode)?;
        rejected(&path, "is accessible to others").await?;
    }
    let fifo = directory.path().join("fifo");
    ensure!(Command::new("mkfifo").arg(&fifo).status()?.success());
    rejected(&fifo, "not a regular file").await?;
    let inner = directory.path().join("directory");
    fs::create_dir(&inner)?;
    rejected(&inner, "not a regular file").await?;
    rejected(Path::new("/dev/zero"), "not a regular file").await?;
    Ok(())
}

/// Only root can create a file of another user. Without root, a directory of another user shows the
/// rule.
#[tokio::test]
async fn token_file_of_another_user_is_rejected() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let path = file(&directory, "foreign", VALID_TOKEN, 0o644)?;
    if std::os::unix::fs::chown(&path, Some(65_534), Some(65_534)).is_ok() {
        rejected(&path, "belongs to another user").await?;
        // An empty file of another user is not replaced either.
        let empty = file(&directory, "empty", "", 0o666)?;
        std::os::unix::fs::chown(&empty, Some(65_534), Some(65_534))?;
        rejected(&empty, "belongs to another user").await?;
        ensure!(fs::read(&empty)?.is_empty(), "it was replaced");
    } else {
        rejected(Path::new("/tmp/km-test-token"), "is writable by others").await?;
    }
    Ok(())
}

#[tokio::test]
async fn token_directory_writable_by_others_is_rejected() -> Result<()> {
    for (mode, exists) in
        [(0o777, true), (0o1777, true), (0o1777, false), (0o770, true), (0o770, false)]
    {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("token");
        if exists {
            write_private(&path, VALID_TOKEN)?;
        }
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode))?;
        rejected(&path, "is writable by others").await?;
    }
    // The directories above count as well, unless they are sticky.
    let directory = tempfile::tempdir()?;
    let inner = directory.path().join("inner");
    fs::create_dir(&inner)?;
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o700))?;
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777))?;
    rejected(&inner.join("token"), "is writable by others").await?;
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o1777))?;
    Sidecar::run(serve(&inner.join("token"))).await?.stop().await.map(drop)
}

#[tokio::test]
async fn token_file_without_a_valid_token_is_rejected() -> Result<()> {
    let directory = tempfile::tempdir()?;
    for (number, (content, why)) in [
        ("\n", "fewer than 16 bytes"),
        ("0123456789abcde", "fewer than 16 bytes"),
        ("0123456789abcde\n", "fewer than 16 bytes"),
        ("two words of a token", "does not hold a token"),
        ("0123456789abcdef\n0123456789abcdef\n", "does not hold a token"),
    ]
    .into_iter()
    .enumerate()
    {
        rejected(&file(&directory, &number.to_string(), content, 0o600)?, why).await?;
    }
    let huge = file(&directory, "huge", &"x".repeat(100_000), 0o600)?;
    rejected(&huge, "does not hold a token").await
}

#[tokio::test]
async fn empty_token_file_is_replaced() -> Result<()> {
    let directory = tempfile::tempdir()?;
    for mode in [0o600, 0o644] {
        let path = file(&directory, &format!("{mode:o}"), "", mode)?;
        let sidecar = Sidecar::run(serve(&path)).await?;
        ensure!(sidecar.token.as_ref().is_some_and(|token| token.len() >= 32));
        ensure!(fs::metadata(&path)?.permissions().mode() & 0o777 == 0o600);
        sidecar.get("/metrics").await?.expect(200)?;
        sidecar.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn concurrent_starts_share_one_token() -> Result<()> {
    for leftover in [false, true] {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("token");
        if leftover {
            write_private(&path, "")?;
        }
        let (one, two) = tokio::try_join!(Sidecar::run(serve(&path)), Sidecar::run(serve(&path)))?;
        ensure!(one.token.is_some() && one.token == two.token);
        one.get("/metrics").await?.expect(200)?;
        two.get("/metrics").await?.expect(200)?;
    }
    Ok(())
}
