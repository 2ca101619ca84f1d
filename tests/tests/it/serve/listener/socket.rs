//! The Unix socket: its mode, its directory, and files that exist at its path.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::Path;

use anyhow::Result;
use serde_json::json;
use testkit::{Km, Server};

use crate::serve::sidecar::Sidecar;

fn serve(km: Km, socket: &Path) -> Km {
    km.args(["serve", "--listen"]).args([format!("unix:{}", socket.display())])
}

fn offline(socket: &Path) -> Km {
    serve(Km::new().env("HCP_VAULT_TOKEN", "t"), socket)
}

#[tokio::test]
async fn socket_is_private_and_removed_at_exit() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let directory = tempfile::tempdir()?;
    let sidecar =
        Sidecar::run(fixture.km().env("XDG_RUNTIME_DIR", directory.path()).args(["serve"])).await?;
    let socket = directory.path().join("km.sock");
    assert_eq!(sidecar.socket(), socket);
    let file = fs::symlink_metadata(&socket)?;
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    // The mode of the socket protects it, so that no token is required and none is created.
    assert_eq!(sidecar.token, None);
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    sidecar.stop().await?;
    assert_eq!(fs::read_dir(directory.path())?.count(), 0, "files are left behind");
    Ok(())
}

#[tokio::test]
async fn token_file_option_requires_the_token_on_a_socket() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let token = directory.path().join("token");
    let km = offline(&directory.path().join("s")).args(["--token-file"]).args([&token]);
    let mut sidecar = Sidecar::run(km).await?;
    sidecar.get("/metrics").await?.expect(200)?;
    sidecar.token = None;
    sidecar.get("/metrics").await?.expect(401)?;
    Ok(())
}

#[tokio::test]
async fn stale_socket_is_replaced() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let socket = directory.path().join("s");
    drop(UnixListener::bind(&socket)?);
    assert!(socket.exists());
    let sidecar = Sidecar::run(offline(&socket)).await?;
    sidecar.get("/healthz").await?.expect(200)?;
    // A sidecar that is killed leaves its socket behind.
    let mut sidecar = sidecar;
    sidecar.running().signal("KILL")?;
    sidecar.running().child().wait().await?;
    assert!(socket.exists());
    let sidecar = Sidecar::run(offline(&socket)).await?;
    sidecar.get("/healthz").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn socket_in_use_is_not_replaced() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let socket = directory.path().join("s");
    let sidecar = Sidecar::run(offline(&socket)).await?;
    let output = offline(&socket).run().await?.expect(2)?;
    assert!(output.stderr.contains("another process is listening on it"), "{}", output.stderr);
    sidecar.get("/healthz").await?.expect(200)?;
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn file_that_is_not_a_socket_is_not_replaced() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("file");
    fs::write(&file, "text")?;
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(&file, &link)?;
    for path in [&file, &link, &directory.path().to_owned()] {
        offline(path).run().await?.expect(2)?;
    }
    assert_eq!(fs::read_to_string(&link)?, "text");
    Ok(())
}

#[tokio::test]
async fn socket_directory_writable_by_others_is_rejected() -> Result<()> {
    let directory = tempfile::tempdir()?;
    for (mode, code) in [(0o777, 2), (0o1777, 2), (0o770, 2), (0o707, 2)] {
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode))?;
        let output = offline(&directory.path().join("s")).run().await?.expect(code)?;
        assert!(output.stderr.contains("is writable by others"), "{mode:o}: {}", output.stderr);
    }
    for mode in [0o700, 0o755] {
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode))?;
        Sidecar::run(offline(&directory.path().join("s"))).await?.stop().await?;
    }
    offline(&directory.path().join("absent").join("s")).run().await?.expect(2).map(drop)
}

#[tokio::test]
async fn parent_directory_writable_by_others_is_rejected() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let (outer, inner) = (directory.path().join("outer"), directory.path().join("outer/inner"));
    fs::create_dir_all(&inner)?;
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o700))?;
    // Another user could have created a link that leads to a directory with safe permissions.
    std::os::unix::fs::symlink(directory.path().join("outer/inner"), outer.join("link"))?;
    for (mode, code) in [(0o777, 2), (0o775, 2), (0o1777, 0)] {
        fs::set_permissions(&outer, fs::Permissions::from_mode(mode))?;
        for path in [inner.join("s"), outer.join("link/s")] {
            if code == 0 {
                Sidecar::run(offline(&path)).await?.stop().await?;
                continue;
            }
            let output = offline(&path).run().await?.expect(code)?;
            assert!(output.stderr.contains("is writable by others"), "{}", output.stderr);
        }
    }
    Ok(())
}

#[tokio::test]
async fn concurrent_starts_on_one_socket_leave_one_listener() -> Result<()> {
    for leftover in [false, true] {
        let directory = tempfile::tempdir()?;
        let socket = directory.path().join("s");
        if leftover {
            drop(UnixListener::bind(&socket)?);
        }
        let start = || Sidecar::run(offline(&socket));
        let (one, two) = tokio::join!(start(), start());
        let (winner, loser) = match (one, two) {
            (Ok(winner), Err(loser)) | (Err(loser), Ok(winner)) => (winner, loser),
            (one, two) => anyhow::bail!("{:?} and {:?}", one.map(drop), two.map(drop)),
        };
        assert!(loser.to_string().contains("another process is listening on it"), "{loser:#}");
        winner.get("/healthz").await?.expect(200)?;
        winner.stop().await?;
    }
    Ok(())
}
