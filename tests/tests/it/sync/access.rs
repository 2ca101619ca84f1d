//! Who may read the files, and in which directories they are written.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;

use anyhow::Result;
use serde_json::json;
use testkit::{Server, secret};

use super::{sync, sync_at};
use crate::cli::common::{contains_all, rejected};

#[tokio::test]
async fn files_have_the_given_mode_and_owner() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": secret("one") })).await?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("ONE");
    let is_root = rustix::process::geteuid().is_root();
    let (user, group) =
        (fs::metadata(directory.path())?.uid(), fs::metadata(directory.path())?.gid());
    let (other_user, other_group) = if is_root { (12_345, 54_321) } else { (user, group) };
    let owner = format!("--owner={other_user}:{other_group}");
    for (options, expected) in [
        (&[][..], (0o400, user, group)),
        (&["--mode=0440"], (0o440, user, group)),
        (&["--mode=640", &owner], (0o640, other_user, other_group)),
        (&[&owner], (0o400, other_user, other_group)),
    ] {
        let km = sync(&fixture, directory.path(), &["ONE"]).args(["--once"]).args(options);
        let output = km.run().await?.expect(0)?;
        assert_eq!(output.text()?, "ONE\n", "{options:?}");
        let file = fs::metadata(&path)?;
        assert_eq!((file.mode() & 0o7777, file.uid(), file.gid()), expected, "{options:?}");
    }
    Ok(())
}

#[tokio::test]
async fn readable_by_everybody_or_on_a_disk_is_a_warning() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": secret("one") })).await?;
    let directory = tempfile::tempdir()?;
    let km = sync(&fixture, directory.path(), &["ONE"]).args(["--once", "--mode=0444"]);
    let stderr = km.run().await?.expect(0)?.stderr;
    contains_all(&stderr, &["WARN", "every user"])?;
    let on_disk = stderr.contains("disk");
    let in_memory = tempfile::Builder::new().tempdir_in("/dev/shm")?;
    let km = sync(&fixture, in_memory.path(), &["ONE"]).args(["--once"]);
    let stderr = km.run().await?.expect(0)?.stderr;
    assert!(!stderr.contains("disk"), "{stderr}");
    let types =
        std::process::Command::new("stat").args(["-fc", "%T"]).arg(directory.path()).output()?;
    assert_eq!(on_disk, !String::from_utf8_lossy(&types.stdout).contains("tmpfs"));
    Ok(())
}

/// Runs `km sync` with this directory, which must be rejected before anything is sent.
async fn refused(directory: &Path) -> Result<String> {
    rejected("usage", |km| sync_at(km, directory, &["ONE"])).await
}

#[tokio::test]
async fn directory_that_another_user_could_change_is_rejected() -> Result<()> {
    let root = tempfile::tempdir()?;
    let directory = |name: &str, mode: u32| -> Result<_> {
        let path = root.path().join(name);
        fs::create_dir(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
        Ok(path)
    };
    let open = directory("open", 0o777)?;
    contains_all(&refused(&open).await?, &["--dir", "writable by others"])?;
    contains_all(&refused(&directory("sticky", 0o1777)?).await?, &["writable by others"])?;
    contains_all(&refused(&directory("group", 0o770)?).await?, &["writable by others"])?;
    // Below a directory in which others could replace it, also by a link.
    let below = open.join("below");
    fs::create_dir(&below)?;
    fs::set_permissions(&below, Permissions::from_mode(0o700))?;
    contains_all(&refused(&below).await?, &["writable by others"])?;
    symlink(directory("safe", 0o700)?, open.join("link"))?;
    contains_all(&refused(&open.join("link")).await?, &["writable by others"])?;
    contains_all(&refused(&root.path().join("missing")).await?, &["--dir", "install -d"])?;
    fs::write(root.path().join("file"), "")?;
    refused(&root.path().join("file")).await?;
    let other = directory("other", 0o700)?;
    if chown(&other, Some(65_534), Some(65_534)).is_ok() {
        contains_all(&refused(&other).await?, &["belongs to another user"])?;
    }
    Ok(())
}

#[tokio::test]
async fn entry_of_another_program_is_neither_replaced_nor_followed() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": secret("one") })).await?;
    let outside = tempfile::tempdir()?;
    let victim = outside.path().join("victim");
    fs::write(&victim, "kept")?;
    for name in ["ONE", "..data"] {
        let directory = tempfile::tempdir()?;
        symlink(&victim, directory.path().join(name))?;
        let km = sync(&fixture, directory.path(), &["ONE"]).args(["--once"]);
        let code = km.run().await?.code;
        assert!([2, 4].contains(&code), "{name}: {code}");
        assert_eq!(fs::read_to_string(&victim)?, "kept");
        assert_eq!(fs::read_link(directory.path().join(name))?, victim);
    }
    Ok(())
}
